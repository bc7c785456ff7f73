import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { busNames } from "../../src/protocol/names.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { eventually } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();

function connect(server: RedisServer, options: object = {}): Redis {
  const redis = new Redis({ port: server.port, maxRetriesPerRequest: 0, ...options });
  redis.on("error", () => undefined);
  keep({
    stop: () => {
      redis.disconnect();
      return Promise.resolve();
    },
  });
  return redis;
}

/** All that is published, of all channels. */
async function listen(server: RedisServer): Promise<string[]> {
  const heard: string[] = [];
  const subscriber = connect(server);
  subscriber.on("message", (_channel: string, payload: string) => heard.push(payload));
  await subscriber.subscribe(busNames("{a}").live, "end");
  return heard;
}

/** What would come later than anything that was published before. */
async function allHeard(admin: Redis, heard: readonly string[]): Promise<readonly string[]> {
  const end = randomUUID();
  await admin.publish("end", end);
  await eventually("the last message", () => Promise.resolve(heard.includes(end)));
  return heard.filter((payload) => payload !== end);
}

const names = busNames("{a}");
const ENOUGH = ["+evalsha", "+eval", "+exists", "+xinfo", "+time", `~${names.log}`, "resetchannels"];

describe("an append that is refused", () => {
  it.each([
    ["publish", [...ENOUGH, "+xadd", `&${names.live}`]],
    ["publish there", [...ENOUGH, "+xadd", "+publish", "&other"]],
    ["write", [...ENOUGH, "+publish", `&${names.live}`]],
    ["write there", [...ENOUGH, "+publish", "+xadd", `&${names.live}`, "resetkeys", "~other"]],
  ])(
    "to a user that may not %s leaves and publishes nothing, however often it is tried",
    async (_, rights) => {
      const server = keep(await startRedis());
      const admin = connect(server);
      await admin.call("ACL", "SETUSER", "writer", "on", "nopass", "+info", "+ping", ...rights);
      const heard = await listen(server);
      const log = createRedisLog(connect(server, { username: "writer", password: "any" }), names, 100);
      for (let i = 0; i < 10; i += 1)
        await expect(log.append(["{}", "{}"])).rejects.toHaveProperty("name", "RedisError");
      expect(await admin.exists(names.log)).toBe(0);
      expect(await allHeard(admin, heard)).toEqual([]);
    },
  );

  it("leaves a log that was there as it was, and its numbers without a hole", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    await admin.call("ACL", "SETUSER", "writer", "on", "nopass", "+info", ...ENOUGH, "+xadd", "+publish");
    const before = await createRedisLog(admin, names, 100).append(["{}"]);
    const log = createRedisLog(connect(server, { username: "writer", password: "any" }), names, 100);
    await expect(log.append(["{}"])).rejects.toMatchObject({ code: "NOPERM" });
    await admin.call("ACL", "SETUSER", "writer", `&${names.live}`);
    const after = await log.append(["{}"]);
    expect(after).toBe(before.replace(/-1$/, "-2"));
    expect(await admin.xlen(names.log)).toBe(2);
  });

  it.each<[string, (admin: Redis) => Promise<unknown>]>([
    ["a server that is a replica", (admin) => admin.call("REPLICAOF", "127.0.0.1", "1")],
    ["a server without room", (admin) => admin.config("SET", "maxmemory", "1")],
    ["a server without enough replicas", (admin) => admin.config("SET", "min-replicas-to-write", "1")],
    ["a key of another type", (admin) => admin.set(names.log, "not a log")],
  ])("by %s publishes nothing", async (_, spoil) => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const heard = await listen(server);
    await spoil(admin);
    const log = createRedisLog(connect(server), names, 100);
    await expect(log.append(["{}", "{}"])).rejects.toHaveProperty("name", "RedisError");
    expect(await admin.call("TYPE", names.log)).toMatch(/^(none|string)$/);
    expect(await allHeard(admin, heard)).toEqual([]);
  });
});
