import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import type { CacheWrite } from "../../src/pipeline/ports.ts";
import { busNames, relayNames } from "../../src/protocol/names.ts";
import { createRedisBus } from "../../src/redis/bus.ts";
import { APPEND } from "../../src/redis/append-script.ts";
import { type Fence, fenced } from "../../src/redis/fence.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { createRelayLease } from "../../src/redis/relay-lease.ts";
import { createSoketiAppCache } from "../../src/redis/shared-app-cache.ts";

const LIMITS = { logLength: 100, logBytes: 2 ** 20 };
let server: RedisServer;
let admin: Redis;
let names: ReturnType<typeof busNames>;
let relay: ReturnType<typeof relayNames>;

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
});

afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

beforeEach(async () => {
  await admin.flushall();
  names = busNames(`{rights:${randomUUID()}}`);
  relay = relayNames(names);
});

/** Whoever may do everything but this. */
async function without(...commands: string[]): Promise<Redis> {
  const rights = commands.map((command) => `-${command.toLowerCase()}`);
  await admin.call("ACL", "SETUSER", "but", "reset", "on", ">but", "~*", "&*", "+@all", ...rights);
  const redis = new Redis({ port: server.port, username: "but", password: "but", enableReadyCheck: false });
  return redis;
}

const message = (bytes = 2) => ({ whole: "x".repeat(bytes), live: "thin" });
/** Each moves the mark of what is kept on. */
const LONG = [message(60_000), message(60_000), message(60_000)];

/** Everything that there is: keys, what they hold, and whether they end. */
async function everything(): Promise<unknown> {
  const keys = (await admin.keys("*")).sort();
  const held = keys.map(async (key) => [key, await admin.dumpBuffer(key), (await admin.pttl(key)) > 0]);
  return Promise.all(held);
}

/** @returns what it was refused with. Nothing was done. */
async function refusal(commands: readonly string[], work: (redis: Redis) => Promise<unknown>) {
  const before = await everything();
  const redis = await without(...commands);
  const error: unknown = await work(redis).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(await everything()).toEqual(before);
  redis.disconnect();
  return error;
}

const refused = (command: string) => ({
  code: "NOPERM",
  reason: expect.stringMatching(new RegExp(`^NOPERM this user may not run ${command}\\b`)) as string,
});

describe("a right that is missing is named, and nothing is half done", () => {
  it.each(["TIME", "EXISTS", "XLEN", "HMGET", "HSET", "XADD", "PUBLISH"])(
    "%s, of whoever begins the log",
    async (command) => {
      const append = (redis: Redis) => createRedisLog(redis, names, LIMITS).append([message()]);
      expect(await refusal([command], append)).toMatchObject(refused(command));
    },
  );

  it.each(["XLEN", "HMGET", "HSET", "XADD", "PUBLISH"])("%s, of whoever goes on with it", async (command) => {
    await createRedisLog(admin, names, LIMITS).append(LONG);
    const append = (redis: Redis) => createRedisLog(redis, names, LIMITS).append(LONG);
    expect(await refusal([command], append)).toMatchObject(refused(command));
  });

  it("no right to read what is beside the log one by one is needed, however much is written", async () => {
    await createRedisLog(admin, names, LIMITS).append(LONG);
    const redis = await without("HGET");
    await createRedisLog(redis, names, LIMITS).append(LONG);
    redis.disconnect();
    expect(await admin.xlen(names.log)).toBe(6);
  });

  it("DEL, where another program's key has the place of the log's end", async () => {
    await admin.set(names.last, "another program's");
    const append = (redis: Redis) => createRedisLog(redis, names, LIMITS).append([message()]);
    expect(await refusal(["DEL"], append)).toMatchObject(refused("DEL"));
  });

  it.each(["GET", "HGET", "HSET", "HDEL", "PEXPIRE", "XADD"])("%s, of a relay's append", async (command) => {
    await admin.set(relay.lease, "token");
    await admin.hset(relay.positions, { "shard:1": "4", "shard:2": "7", last: "" });
    await admin.pexpire(relay.positions, 172_800_000);
    const moves = [
      { field: "shard:1", from: "4", to: "5" },
      { field: "shard:2", from: "7", to: "" },
    ];
    const fence: Fence = { names: relay, token: "token", moves };
    const append = (redis: Redis) => createRedisLog(redis, names, LIMITS).append([message()], fence);
    expect(await refusal([command], append)).toMatchObject(refused(command));
    if (["HSET", "HDEL", "PEXPIRE"].includes(command)) await refusedOnRedis6(command, fence);
    await append(admin);
    expect(await admin.hgetall(relay.positions)).toMatchObject({ "shard:1": "5" });
    expect(await admin.xlen(names.log)).toBe(1);
  });

  it.each(["GET", "INCR"])("%s, of a relay that wants the lease", async (command) => {
    const acquire = (connection: Redis) =>
      createRelayLease({ connection, names, holder: "h", leaseMs: 3_000 }).acquire();
    expect(await refusal([command], acquire)).toMatchObject(refused(command));
  });

  it.each(["TYPE", "HGET", "SET"])("%s, of whoever writes an app to the shared cache", async (command) => {
    const write = (redis: Redis) =>
      createSoketiAppCache(redis, { keyPrefix: "", ttlSeconds: 0 }).write([entry()]);
    expect(await refusal([command], write)).toMatchObject(refused(command));
  });

  it.each(["GET", "DEL"])("%s, of whoever removes one", async (command) => {
    await admin.set("app:a", "{}");
    const write = (redis: Redis) =>
      createSoketiAppCache(redis, { keyPrefix: "", ttlSeconds: 0 }).write([{ ...entry(), json: undefined }]);
    expect(await refusal([command], write)).toMatchObject(refused(command));
  });
});

/** Redis 6 cannot be asked for rights: the first write that is refused ends all. */
async function refusedOnRedis6(command: string, fence: Fence): Promise<void> {
  const given = [names.live, 100, 2 ** 20, "{}", "thin"];
  const [script, keys, args] = fenced(APPEND, [names.log, names.last], given, fence);
  const lua = script.lua.replaceAll("redis.acl_check_cmd", "nil");
  const redis = await without(command);
  await expect(redis.eval(lua, keys.length, ...keys, ...args)).rejects.toThrow(/can't run this command/);
  redis.disconnect();
  expect(await admin.hgetall(relay.positions)).toMatchObject({ "shard:1": "4", "shard:2": "7" });
  expect(await admin.exists(names.log)).toBe(0);
}

/** What these do is done again with each record, and each heartbeat. */
describe("a right that is missing is named", () => {
  it.each(["HSET", "EXPIRE"])("%s, of whoever writes an app's fence", async (command) => {
    const store = createSoketiAppCache(await without(command), { keyPrefix: "", ttlSeconds: 0 });
    await expect(store.write([entry()])).rejects.toMatchObject(refused(command));
    await createSoketiAppCache(admin, { keyPrefix: "", ttlSeconds: 0 }).write([entry()]);
    expect(await admin.get("app:a")).toBe('{"id":"a"}');
  });

  it.each(["TIME", "SET", "ZADD", "ZREMRANGEBYSCORE", "PEXPIRE", "ZCARD", "INFO", "XLEN"])(
    "%s, of an agent",
    async (command) => {
      await createRedisLog(admin, names, LIMITS).append([message()]);
      const bus = busOf(await without(command));
      await expect(bus.heartbeat()).rejects.toMatchObject(refused(command));
    },
  );
});

describe("a key of another program's is told of", () => {
  const met = (command: string) => ({
    code: "WRONGTYPE",
    reason: `WRONGTYPE something else has the name of the key that ${command} was for`,
  });

  it("in the log's place, and nothing is done", async () => {
    await admin.set(names.log, "another program's");
    const before = await everything();
    await expect(createRedisLog(admin, names, LIMITS).append([message()])).rejects.toMatchObject(met("XLEN"));
    expect(await everything()).toEqual(before);
  });

  it.each([
    ["nodes", "ZADD"],
    ["seen", "ZADD"],
  ] as const)("in the place of %s", async (name, command) => {
    await admin.set(names[name], "another program's");
    await expect(busOf(admin).heartbeat()).rejects.toMatchObject(met(command));
  });
});

function busOf(connection: Redis) {
  return createRedisBus(connection, names, {
    node: "n",
    entry: () => "{}",
    limitMs: 5_000,
    resubscribe: () => undefined,
    onAnonymous: () => undefined,
  });
}

function entry(): CacheWrite {
  const fence = { kind: "record", region: "r", label: "l", sequenceNumber: "5" } as const;
  return { name: "a", appId: "a", fence, json: '{"id":"a"}' };
}
