import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import type { EncodedMessage } from "../../src/protocol/encode.ts";
import { busNames } from "../../src/protocol/names.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { APPEND } from "../../src/redis/append-script.ts";
import { eventually } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();
const LIMITS = { logLength: 100, logBytes: 2 ** 20 };

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

/** A message of some bytes in the log. */
const message = (bytes = 2): EncodedMessage => ({ whole: "x".repeat(bytes), live: "thin" });

/** As on Redis 6, which cannot be asked for rights. */
async function appendAsOnRedis6(redis: Redis, count: number): Promise<unknown> {
  const lua = APPEND.lua.replace("redis.acl_check_cmd", "nil");
  const messages = Array.from({ length: count }, () => ["{}", "thin"]).flat();
  return redis.eval(lua, 2, names.log, names.last, names.live, 100, 2 ** 20, ...messages);
}

const names = busNames("{a}");
const ENOUGH = [
  "+evalsha",
  "+eval",
  "+exists",
  "+xlen",
  "+xrange",
  "+xinfo",
  "+time",
  "+hmget",
  "+hget",
  `~${names.log}`,
  `~${names.last}`,
  "resetchannels",
];

describe("an append", () => {
  it("numbers without a hole, keeps the whole message and publishes the thin one", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const heard = await listen(server);
    const log = createRedisLog(admin, names, LIMITS);
    const first = await log.append([message(), message()]);
    const last = await log.append([message()]);
    const [epoch = ""] = first.split("-");
    expect([first, last]).toEqual([`${epoch}-2`, `${epoch}-3`]);
    expect(await admin.xrange(names.log, "-", "+")).toEqual(
      [1, 2, 3].map((seq) => [`${epoch}-${seq}`, ["m", "xx"]]),
    );
    expect(await allHeard(admin, heard)).toEqual([1, 2, 3].map((seq) => `${epoch}-${seq} thin`));
    expect(await admin.hgetall(names.last)).toMatchObject({ next: `${epoch}-4`, length: "3" });
  });

  it("goes on where the log ends, whatever became of what is beside it", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const log = createRedisLog(admin, names, LIMITS);
    const [epoch = ""] = (await log.append([message()])).split("-");
    const spoilers: (() => Promise<unknown>)[] = [
      () => admin.del(names.last),
      () => admin.set(names.last, "of another type"),
      () => admin.hset(names.last, "next", "7-1"),
      () => admin.hset(names.last, "next", `${epoch}-1`),
      () => admin.hset(names.last, "next", "no id"),
      () => admin.hset(names.last, "length", "99"),
      () => admin.hdel(names.last, "bytes", "marks", "from"),
      // A pipeline that does not know it.
      () => admin.xadd(names.log, "MAXLEN", 1, `${epoch}-20`, "m", "{}"),
      // Emptied, and still there.
      () => admin.xtrim(names.log, "MAXLEN", 0),
    ];
    const ids: string[] = [];
    for (const spoil of spoilers) {
      await spoil();
      ids.push(await log.append([message()]));
    }
    expect(ids).toEqual([2, 3, 4, 5, 6, 7, 8, 21, 22].map((seq) => `${epoch}-${seq}`));
  });

  it("begins a later epoch when the log is gone, whatever the server's clock says", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const log = createRedisLog(admin, names, LIMITS);
    const far = Date.now() + 1e9;
    await admin.hset(names.last, "next", `${far}-5`);
    expect(await log.append([message()])).toBe(`${far + 1}-1`);
    await admin.del(names.log);
    expect(await log.append([message()])).toBe(`${far + 2}-1`);
  });
});

describe("an append that is refused", () => {
  const rights: [string, string[]][] = [
    ["publish", [...ENOUGH, "+xadd", "+hset", `&${names.live}`]],
    ["publish there", [...ENOUGH, "+xadd", "+hset", "+publish", "&other"]],
    ["write", [...ENOUGH, "+hset", "+publish", `&${names.live}`]],
    ["write the log's end", [...ENOUGH, "+xadd", "+publish", `&${names.live}`]],
    ["write there", [...ENOUGH, "+hset", "+publish", "+xadd", `&${names.live}`, "resetkeys", "~other"]],
  ];

  it.each(rights)(
    "to a user that may not %s leaves and publishes nothing, however often it is tried",
    async (_, allowed) => {
      const server = keep(await startRedis());
      const admin = connect(server);
      await admin.call("ACL", "SETUSER", "writer", "on", "nopass", "+info", "+ping", ...allowed);
      const heard = await listen(server);
      const writer = connect(server, { username: "writer", password: "any" });
      const log = createRedisLog(writer, names, LIMITS);
      for (let i = 0; i < 10; i += 1) {
        await expect(log.append([message(), message()])).rejects.toHaveProperty("name", "RedisError");
        await expect(appendAsOnRedis6(writer, 2)).rejects.toThrow(/can't|NOPERM/);
      }
      expect(await admin.exists(names.log)).toBe(0);
      expect(await allHeard(admin, heard)).toEqual([]);
    },
  );

  it("leaves a log that was there as it was, and its numbers without a hole", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const some = [...ENOUGH, "+xadd", "+hset", "+publish"];
    await admin.call("ACL", "SETUSER", "writer", "on", "nopass", "+info", ...some);
    const before = await createRedisLog(admin, names, LIMITS).append([message()]);
    const writer = connect(server, { username: "writer", password: "any" });
    const log = createRedisLog(writer, names, LIMITS);
    await expect(log.append([message()])).rejects.toMatchObject({ code: "NOPERM" });
    await expect(appendAsOnRedis6(writer, 1)).rejects.toThrow(/can't/);
    await admin.call("ACL", "SETUSER", "writer", `&${names.live}`);
    expect(await log.append([message()])).toBe(before.replace(/-1$/, "-2"));
    expect(await appendAsOnRedis6(writer, 2)).toBe(before.replace(/-1$/, "-4"));
    expect(await admin.xlen(names.log)).toBe(4);
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
    const log = createRedisLog(connect(server), names, LIMITS);
    await expect(log.append([message(), message()])).rejects.toHaveProperty("name", "RedisError");
    await expect(appendAsOnRedis6(connect(server), 2)).rejects.toThrow();
    expect(await admin.call("TYPE", names.log)).toMatch(/^(none|string)$/);
    expect(await allHeard(admin, heard)).toEqual([]);
  });
});

describe("the log's size", () => {
  /** Bytes of the messages that are in it, counted. */
  async function sizeOf(admin: Redis): Promise<number> {
    const rows = await admin.xrange(names.log, "-", "+");
    return rows.reduce((sum, [, fields]) => sum + (fields[1]?.length ?? 0), 0);
  }

  it.each([
    ["small messages", [100, 400], 10],
    ["large messages", [20_000, 65_000], 1],
    ["both in turns", [100, 65_000], 3],
    ["batches larger than the log", [60_000, 65_000], 25],
  ])("of %s is never over its bytes, and keeps most of them", async (_, [from = 0, to = 0], batch) => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const log = createRedisLog(admin, names, { logLength: 100_000, logBytes: 2 ** 20 });
    let appended = 0;
    let last = "";
    for (let i = 0; appended < 3 * 2 ** 20; i += 1) {
      const messages = Array.from({ length: batch }, (_unused, n) => message((i + n) % 2 === 0 ? from : to));
      last = await log.append(messages);
      for (const { whole } of messages) appended += whole.length;
      if (i % 16 === 0) expect(await sizeOf(admin)).toBeLessThanOrEqual(2 ** 20);
    }
    const size = await sizeOf(admin);
    expect(size).toBeLessThanOrEqual(2 ** 20);
    // Sixteenths are dropped at a time, and each message counts a little more than its bytes.
    expect(size).toBeGreaterThan(2 ** 19);
    const memory = Number(await admin.call("MEMORY", "USAGE", names.log, "SAMPLES", 0));
    expect(memory).toBeLessThan(1.5 * 2 ** 20);
    // The end is there, and nothing is missing within.
    const rows = await admin.xrange(names.log, "-", "+");
    const seqOf = (id = "") => Number(id.split("-")[1]);
    expect(rows.at(-1)?.[0]).toBe(last);
    expect(rows.length).toBe(seqOf(last) - seqOf(rows[0]?.[0]) + 1);
  });

  it("is bounded in number too, and a lost count begins anew", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const log = createRedisLog(admin, names, { logLength: 100, logBytes: 2 ** 20 });
    for (let i = 0; i < 40; i += 1) await log.append(Array.from({ length: 10 }, () => message(10)));
    expect(await admin.xlen(names.log)).toBeGreaterThanOrEqual(100);
    expect(await admin.xlen(names.log)).toBeLessThanOrEqual(200);
    await admin.del(names.last);
    for (let i = 0; i < 40; i += 1) await log.append([message(60_000)]);
    expect(await sizeOf(admin)).toBeLessThanOrEqual(2 ** 20);
  });

  it("is halved when Redis has no more room: what is appended then is in the log, and heartbeats go on", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const used = Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1]);
    await admin.config("SET", "maxmemory", String(used + 2 ** 22));
    const heard = await listen(server);
    const log = createRedisLog(connect(server), names, { logLength: 100_000, logBytes: 2 ** 25 });
    let last = "";
    for (let i = 1; i <= 400; i += 1) {
      last = await log.append([message(50_000)]);
      expect(last.split("-")[1]).toBe(String(i));
    }
    const rows = await admin.xrange(names.log, "-", "+");
    expect(rows.at(-1)?.[0]).toBe(last);
    expect(rows.length).toBeLessThan(100);
    expect((await allHeard(admin, heard)).length).toBe(400);
    await admin.set("a heartbeat's entry", "x");
  });

  it("Redis that is full of other things says so, and nothing of the log is lost for nothing", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const log = createRedisLog(connect(server), names, LIMITS);
    await log.append([message()]);
    await admin.config("SET", "maxmemory", "1");
    await expect(log.append([message()])).rejects.toMatchObject({ code: "OOM" });
    expect(await admin.xlen(names.log)).toBe(1);
  });

  it("that Redis is full, and that this user may not make room in it, is told together", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    await createRedisLog(admin, names, LIMITS).append([message()]);
    await admin.call("ACL", "SETUSER", "all-but", "on", ">p", "~*", "&*", "+@all", "-xtrim");
    const user = connect(server, { username: "all-but", password: "p" });
    await admin.config("SET", "maxmemory", "1");
    await expect(createRedisLog(user, names, LIMITS).append([message()])).rejects.toMatchObject({
      code: "OOM",
      reason: expect.stringMatching(
        /^OOM .*; half of the log could not be given up: NOPERM .*'xtrim'/,
      ) as string,
    });
  });
});

describe("a log in which somebody else has written an id that no message has", () => {
  it.each([
    "9007199254740992-5",
    "5-9007199254740991",
    "5-9007199254740992",
    "18446744073709551615-18446744073709551615",
  ])("%s: takes none, and the failure says what to do", async (id) => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const heard = await listen(server);
    await admin.xadd(names.log, id, "foreign", "1");
    const log = createRedisLog(admin, names, LIMITS);
    await expect(log.append([message(), message()])).rejects.toThrow(/last id is not one .* Delete it/);
    await expect(appendAsOnRedis6(admin, 2)).rejects.toThrow(/last id is not one/);
    expect(await admin.xlen(names.log)).toBe(1);
    expect(await allHeard(admin, heard)).toEqual([]);
    await admin.del(names.log);
    expect(await log.append([message(), message()])).toMatch(/^\d{13,16}-2$/);
  });

  it("one that was deleted again holds the log up for one try", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    const log = createRedisLog(admin, names, LIMITS);
    const [before] = (await log.append([message(), message()])).split("-");
    const epoch = Number(before) + 1;
    await admin.xadd(names.log, `${epoch}-7`, "foreign", "1");
    await admin.xdel(names.log, `${epoch}-7`);
    await expect(log.append([message(), message()])).rejects.toThrow(
      /somebody else has written .* at the next try/,
    );
    expect(await admin.xlen(names.log)).toBe(2);
    expect(await log.append([message(), message()])).toBe(`${epoch}-9`);
    expect(await log.append([message()])).toBe(`${epoch}-10`);
    expect(await admin.hget(names.last, "next")).toBe(`${epoch}-11`);
  });

  it("the last two numbers are taken together, or not at all", async () => {
    const server = keep(await startRedis());
    const admin = connect(server);
    await admin.xadd(names.log, "5-9007199254740989", "foreign", "1");
    const log = createRedisLog(admin, names, LIMITS);
    await expect(log.append([message(), message(), message()])).rejects.toThrow(/last id is not one/);
    expect(await log.append([message(), message()])).toBe("5-9007199254740991");
    await expect(log.append([message()])).rejects.toThrow(/last id is not one/);
  });
});
