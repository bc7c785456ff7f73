import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeEach, describe, expect, inject, it } from "vitest";
import { startRedis } from "../../local/redis-server.ts";
import { busNames, relayNames } from "../../src/protocol/names.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { createRelayLease } from "../../src/redis/relay-lease.ts";
import { keeping } from "../support/keeping.ts";

const connection = new Redis(inject("redisUrl"));
afterAll(() => connection.quit());

const keep = keeping();
const LEASE_MS = 60_000;
let names: ReturnType<typeof busNames>;
let relay: ReturnType<typeof relayNames>;

beforeEach(() => {
  names = busNames(`{fence:${randomUUID()}}`);
  relay = relayNames(names);
});

const leaseOf = (holder: string, leaseMs = LEASE_MS) =>
  createRelayLease({ connection, names, holder, leaseMs });
const log = () => createRedisLog(connection, names, { logLength: 1_000, logBytes: 2 ** 20 });
const entries = async () => (await connection.xrange(names.log, "-", "+")).map(([, [, json]]) => json);

const encoded = (whole: string) => ({ whole, live: "thin" });

/** An append that takes a shard on, as a relay makes it. */
const append = (token: string, from: string, to: string, ...messages: string[]) =>
  log().append(messages.map(encoded), { names: relay, token, moves: [{ field: "s:1", from, to }] });

describe("the lease", () => {
  it("is one relay's at a time, and the next one's when it is released", async () => {
    const [a, b] = [leaseOf("a"), leaseOf("b")];
    const token = (await a.acquire()) ?? "";
    expect(token).toBe("1 a");
    expect(await b.acquire()).toBeUndefined();
    expect(await a.renew(token)).toBe(true);
    await b.release("1 b");
    expect(await b.acquire()).toBeUndefined();
    await a.release(token);
    expect(await b.acquire()).toBe("2 b");
    expect(await a.renew(token)).toBe(false);
  });

  it("runs out by itself", async () => {
    const token = (await leaseOf("a", 30).acquire()) ?? "";
    await expect.poll(() => connection.exists(relay.lease)).toBe(0);
    expect(await leaseOf("a").renew(token)).toBe(false);
    expect(await leaseOf("b").acquire()).toBe("2 b");
  });
});

it("a lease without an end keeps nobody waiting for one who is gone, and is nobody else's while its holder is there", async () => {
  const [a, b, hasty] = [leaseOf("a"), leaseOf("b"), leaseOf("hasty", 30)];
  const token = (await a.acquire()) ?? "";
  await connection.persist(relay.lease);
  expect(await b.acquire()).toBeUndefined();
  expect(await a.renew(token)).toBe(true);
  expect(await b.acquire()).toBeUndefined();
  expect(await connection.pttl(relay.lease)).toBeGreaterThan(LEASE_MS / 2);
  await connection.persist(relay.lease);
  await expect.poll(() => hasty.acquire()).toBe("2 hasty");
});

it("a key of another type in the lease's place is told: no relay stands by for it", async () => {
  await connection.rpush(relay.lease, "another program's");
  await expect(leaseOf("a").acquire()).rejects.toThrow("WRONGTYPE");
});

describe("in a Redis that the log has filled", () => {
  /** With how many messages. */
  async function fill() {
    const server = keep(await startRedis());
    const redis = new Redis(server.url);
    keep({ stop: () => redis.quit().then(() => undefined) });
    const limits = { logLength: 100_000, logBytes: 2 ** 25 };
    const full = createRedisLog(redis, names, limits);
    const message = encoded("x".repeat(50_000));
    await full.append(Array.from({ length: 64 }, () => message));
    const lease = createRelayLease({ connection: redis, names, holder: "a", leaseMs: LEASE_MS });
    const setFull = async () => {
      const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
      await redis.config("SET", "maxmemory", String(used - 100_000));
      await expect(redis.set("x", "y")).rejects.toThrow(/OOM/);
    };
    return { redis, lease, setFull };
  }

  it("a relay gets the lease, with half of the log", async () => {
    const { redis, lease, setFull } = await fill();
    await setFull();
    expect(await lease.acquire()).toBe("1 a");
    expect(await redis.xlen(names.log)).toBe(32);
  });

  it("a position is saved without a message", async () => {
    const { redis, lease, setFull } = await fill();
    const token = (await lease.acquire()) ?? "";
    await setFull();
    await lease.move(token, [{ field: "s:1", from: "", to: "100" }]);
    expect((await lease.positions()).get("s:1")).toBe("100");
    expect(await redis.xlen(names.log)).toBe(32);
  });

  it("what is refused to another relay costs the log nothing; nor does a Redis that is full of other things", async () => {
    const { redis, lease, setFull } = await fill();
    const token = (await lease.acquire()) ?? "";
    await setFull();
    const other = createRelayLease({ connection: redis, names, holder: "b", leaseMs: LEASE_MS });
    expect(await other.acquire()).toBeUndefined();
    expect(await lease.renew(token)).toBe(true);
    await lease.release(token);
    expect(await redis.xlen(names.log)).toBe(64);
    await redis.xtrim(names.log, "MAXLEN", 1);
    await redis.config("SET", "maxmemory", "1");
    await expect(other.acquire()).rejects.toMatchObject({ code: "OOM" });
    expect(await redis.xlen(names.log)).toBe(1);
  });
});

describe("a write under the fence", () => {
  it("appends and takes the position on, in one go", async () => {
    const lease = leaseOf("a");
    const token = (await lease.acquire()) ?? "";
    const id = await append(token, "", "100", "one", "two");
    expect(await entries()).toEqual(["one", "two"]);
    expect(Object.fromEntries(await lease.positions())).toEqual({ "s:1": "100", last: id });
    await lease.move(token, [{ field: "s:1", from: "100", to: "200" }]);
    await lease.move(token, [{ field: "s:1", from: "200", to: "" }]);
    expect(Object.fromEntries(await lease.positions())).toEqual({ last: id });
    expect(await connection.pttl(relay.positions)).toBeGreaterThan(24 * 3_600_000);
  });

  it("is done once, however often it is sent", async () => {
    const token = (await leaseOf("a").acquire()) ?? "";
    const id = await append(token, "", "100", "one");
    expect(await append(token, "", "100", "one")).toBe(id);
    expect(await entries()).toEqual(["one"]);
  });

  it("is refused to a relay that was frozen while another took over, and to one whose lease ran out", async () => {
    const frozen = (await leaseOf("a").acquire()) ?? "";
    await append(frozen, "", "100", "one");
    await connection.del(relay.lease);
    await expect(append(frozen, "100", "200", "late")).rejects.toMatchObject({ code: "FENCED" });
    const token = (await leaseOf("b").acquire()) ?? "";
    await append(token, "100", "200", "two");
    await expect(append(frozen, "200", "300", "late")).rejects.toMatchObject({ code: "FENCED" });
    await expect(leaseOf("a").move(frozen, [{ field: "s:1", from: "200", to: "300" }])).rejects.toMatchObject(
      {
        code: "FENCED",
      },
    );
    expect(await entries()).toEqual(["one", "two"]);
    expect((await leaseOf("a").positions()).get("s:1")).toBe("200");
  });

  it("is refused from another position than the one that it is meant for: what was given up does not come late", async () => {
    const token = (await leaseOf("a").acquire()) ?? "";
    await append(token, "", "100", "one");
    await append(token, "100", "200", "two");
    await expect(append(token, "", "100", "one")).rejects.toMatchObject({ code: "FENCED" });
    expect(await entries()).toEqual(["one", "two"]);
  });

  it("takes nothing on when Redis refuses the messages", async () => {
    const token = (await leaseOf("a").acquire()) ?? "";
    await connection.set(names.log, "not a log");
    await expect(append(token, "", "100", "one")).rejects.toMatchObject({ name: "RedisError" });
    expect((await leaseOf("a").positions()).size).toBe(0);
  });

  it("takes several positions on, or none", async () => {
    const lease = leaseOf("a");
    const token = (await lease.acquire()) ?? "";
    await append(token, "", "100", "one");
    const stream = { field: "stream", from: "", to: "arn" };
    const write = (from: string) =>
      log().append([encoded("flush")], {
        names: relay,
        token,
        moves: [stream, { field: "s:1", from, to: "" }],
      });
    await expect(write("50")).rejects.toMatchObject({ code: "FENCED" });
    const id = await write("100");
    expect(Object.fromEntries(await lease.positions())).toEqual({ stream: "arn", last: id });
  });
});
