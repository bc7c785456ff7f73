import { describe, expect, inject, it } from "vitest";
import { redisCli } from "../../local/redis-cli.ts";
import { healthOf } from "../../local/relay.ts";
import { startRedisSentinel } from "../../local/redis-sentinel.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { RedisSettings } from "../../src/config/redis.ts";
import { openRedis } from "../../src/redis/connection.ts";
import type { RedisLibrary } from "../../src/redis/library.ts";
import { openPipelineRedis } from "../../src/redis/pipeline-connection.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { busNames } from "../../src/protocol/names.ts";
import { cli } from "../support/cli.ts";
import { accepts, eventually, item, startFleet } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { REDIS_LIBRARIES } from "../support/redis-libraries.ts";
import { relayPlace } from "../support/relay.ts";

const keep = keeping();
const dynamodbEndpoint = inject("dynamodbEndpoint");
const TIMEOUTS = { connectMs: 1_000, commandMs: 1_000, retriesPerCommand: 0 };
const REFUSED = "DB index is out of range";

/** What is in the database that ioredis would go on in. */
const keysOf = async (port: number) => (await redisCli(port, "KEYS", "*")).trim();

/** Fails when the server takes it: it was written to another database then. */
async function setFails(library: RedisLibrary, settings: RedisSettings): Promise<void> {
  const told: string[] = [];
  const connection = openRedis({
    library,
    settings,
    timeouts: TIMEOUTS,
    onError: ({ message }) => told.push(message),
  });
  try {
    await expect(connection.set("stray", "value")).rejects.toThrow();
    await eventually("the reason", () => Promise.resolve(told.some((one) => one.includes(REFUSED))));
  } finally {
    connection.disconnect();
  }
}

// ioredis tells that the database was refused, and goes on in database 0.
describe.each(REDIS_LIBRARIES)("a database that the server does not have, with %s", (_, library) => {
  it("takes no command to database 0 instead", async () => {
    const redis = keep(await startRedis());
    const server = { kind: "standalone", host: "127.0.0.1", port: redis.port, tls: false } as const;
    await setFails(library, { ...server, db: 99 });
    expect(await keysOf(redis.port)).toBe("");
    const there = openRedis({
      library,
      settings: { ...server, db: 9 },
      timeouts: TIMEOUTS,
      onError: () => undefined,
    });
    expect(await there.set("own", "value")).toBe("OK");
    there.disconnect();
    expect(await keysOf(redis.port)).toBe("");
  });

  it("nor by way of sentinels", async () => {
    const setup = keep(await startRedisSentinel());
    const list = setup.sentinels.map((one) => ({ host: "127.0.0.1", port: Number(one.split(":")[1]) }));
    await setFails(library, { kind: "sentinel", sentinels: list, name: setup.name, db: 99, tls: false });
    expect(await keysOf((await setup.master()).port)).toBe("");
  });

  it("nor does one that the user may not choose", async () => {
    const acl = ["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-select"];
    const redis = keep(await startRedis({ args: acl }));
    const settings = { kind: "standalone", host: "127.0.0.1", port: redis.port, tls: false, db: 1 } as const;
    const told: string[] = [];
    const onError = ({ message }: Error) => told.push(message);
    const connection = openRedis({ library, settings, timeouts: TIMEOUTS, onError });
    await expect(connection.set("stray", "value")).rejects.toThrow();
    connection.disconnect();
    expect(told.join("\n")).toContain("NOPERM");
    expect(await keysOf(redis.port)).toBe("");
  });
});

describe("a database that the server does not have", () => {
  it("the pipeline publishes nothing, and says why", async () => {
    const redis = keep(await startRedis());
    const names = busNames("{a}");
    const limits = { logLength: 100, logBytes: 2 ** 20 };
    const settings = { kind: "standalone", host: "127.0.0.1", port: redis.port, db: 99, tls: false } as const;
    const { connection } = openPipelineRedis(
      { redis: settings, names, minReplicas: 0 },
      TIMEOUTS,
      () => undefined,
    );
    const log = createRedisLog(connection, names, limits);
    await expect(log.append([{ whole: "{}", live: "{}" }])).rejects.toThrow(REFUSED);
    connection.disconnect();
    expect(await keysOf(redis.port)).toBe("");
  });

  it("commands fail, and name it", async () => {
    const redis = keep(await startRedis());
    const env = { REDIS_URL: `${redis.url}/99`, APP_SYNC_PREFIX: "{a}" };
    for (const args of [["nodes"], ["flush", "--no-wait"], ["tail", "--no-follow"]]) {
      const { status, stderr } = await cli(args, { env });
      expect([status, stderr]).toEqual([
        1,
        expect.stringContaining(`127.0.0.1:${redis.port}/99 says: ERR ${REFUSED}`),
      ]);
    }
    expect(await keysOf(redis.port)).toBe("");
  });

  it("a node serves without a lease, and says why", async () => {
    const redis = keep(await startRedis());
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl: redis.url }));
    const node = await fleet.node({ redisUrl: `${redis.url}/99` });
    await fleet.table.put(item("a"));
    await eventually("the reason in the log", () => Promise.resolve(node.child.output().includes(REFUSED)));
    expect(await accepts(node, "a", "a-secret")).toBe(true);
    expect((await node.metrics()).lease_held).toBe(0);
  });

  it("a relay waits, and says why", async () => {
    const redis = keep(await startRedis());
    const place = await relayPlace(dynamodbEndpoint, `${redis.url}/99`);
    const relay = keep(await place.start());
    await eventually("the reason in the log", () => Promise.resolve(relay.child.output().includes(REFUSED)));
    expect((await healthOf(relay)).status).not.toBe("active");
    expect(await keysOf(redis.port)).toBe("");
  });
});
