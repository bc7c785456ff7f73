import { randomUUID } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import { describe, expect, inject, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { redisCli, untilTrue } from "../../local/redis-cli.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import type { App } from "../../src/app/app.ts";
import { normalize } from "../../src/app/normalize.ts";
import { AppEntries } from "../../src/pipeline/app-entries.ts";
import { CacheChanges } from "../../src/pipeline/cache-changes.ts";
import { decodeRecord, type StreamChange } from "../../src/pipeline/decode.ts";
import { type AppsReader, LONG_TEXT, type SharedCacheMode } from "../../src/pipeline/ports.ts";
import { SharedCache } from "../../src/pipeline/shared-cache.ts";
import { sweep } from "../../src/pipeline/sweep.ts";
import { decodeMessage } from "../../src/protocol/message.ts";
import { busNames } from "../../src/protocol/names.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { createSockudoAppCache, createSoketiAppCache } from "../../src/redis/shared-app-cache.ts";
import { image, insert, modify, remove } from "../factories/stream-event.ts";
import { loadHandler } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();

/** Of one app, by the version that its MaxConnections says. */
const version = (n: number, more = {}) => ({ MaxConnections: { N: String(n) }, ...more });

function standalone(): Promise<Redis | Cluster> {
  return Promise.resolve(kept(new Redis(inject("redisUrl"))));
}

/** One node is a cluster too: what is not in one slot is refused. */
async function cluster(): Promise<Redis | Cluster> {
  const busPort = String(await freePort());
  const args = ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-port", busPort];
  const { port } = keep(await startRedis({ args }));
  await redisCli(port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await untilTrue("the cluster", async () => (await redisCli(port, "CLUSTER", "INFO")).includes(":ok"));
  return kept(new Cluster([{ host: "127.0.0.1", port }]));
}

function kept<T extends Redis | Cluster>(redis: T): T {
  keep({
    stop: () => {
      redis.disconnect();
      return Promise.resolve();
    },
  });
  return redis;
}

type Server = "soketi" | "sockudo";

function openCache(redis: Redis | Cluster, table?: AppsReader, server: Server = "soketi") {
  const keyPrefix = `${randomUUID().slice(0, 8)}:`;
  const store =
    server === "soketi"
      ? createSoketiAppCache(redis, { keyPrefix, ttlSeconds: -1 })
      : createSockudoAppCache(redis, { prefix: keyPrefix });
  const cacheIn = (mode: SharedCacheMode) => new SharedCache({ mode, stores: [store], table });
  const apply = (record: unknown, mode: SharedCacheMode = "refresh") => {
    const apps = new CacheChanges();
    apps.add(decodeRecord(record) as StreamChange);
    return cacheIn(mode).apply(apps.all());
  };
  const versionAt = async (name: string) => {
    const text = await redis.get(`${keyPrefix}app:${name}`);
    return text === null ? undefined : (JSON.parse(text) as { maxConnections: number }).maxConnections;
  };
  const repair = (reader: AppsReader) =>
    new AppEntries({ mode: "refresh", store, table }).repair(["a"], reader);
  return { apply, versionAt, cacheIn, repair, keyPrefix, store };
}

async function* noPages() {
  yield await Promise.resolve([]);
}

describe.each([
  ["a standalone Redis", standalone],
  ["a Redis Cluster", cluster],
])("the newest record of an app wins, whoever writes last: %s", (_, open) => {
  it("a write, a removal and a new key that come late", async () => {
    const { apply, versionAt } = openCache(await open());
    const first = insert("a", { item: version(1) });
    const second = modify("a", version(1), version(2));
    const third = modify("a", version(2), version(3, { AppKey: { S: "a-key-2" } }));
    await apply(first);
    await apply(third);
    for (const late of [second, first, second]) await apply(late);
    expect(await versionAt("a")).toBe(3);
    expect(await versionAt("a-key-2")).toBe(3);
    expect(await versionAt("a-key")).toBeUndefined();

    const gone = remove("a", { item: version(3, { AppKey: { S: "a-key-2" } }) });
    const back = insert("a", { item: version(5, { AppKey: { S: "a-key-2" } }) });
    await apply(gone);
    await apply(third);
    expect(await versionAt("a")).toBeUndefined();
    await apply(back);
    await apply(gone);
    expect(await versionAt("a")).toBe(5);
    expect(await versionAt("a-key-2")).toBe(5);
  });

  it("for longer than the stream keeps records, which a new relay reads from the oldest on", async () => {
    const redis = await open();
    const { apply, keyPrefix } = openCache(redis);
    for (const record of [insert("a", { item: version(1) }), remove("a", { item: version(1) })]) {
      await apply(record);
      for (const name of ["a", "a-key"]) {
        const seconds = await redis.ttl(`app-sync-fence:{${keyPrefix}app:${name}}`);
        expect(seconds).toBeGreaterThan(24 * 3_600);
      }
    }
  });

  it("in sockudo's format too, where its sweep leaves other names alone", async () => {
    const redis = await open();
    const { apply, cacheIn, keyPrefix } = openCache(redis, undefined, "sockudo");
    const connectionsAt = async (name: string) => {
      const text = await redis.get(`${keyPrefix}:app:${name}`);
      if (text === null) return undefined;
      return (JSON.parse(text) as { policy: { limits: { max_connections: number } } }).policy.limits
        .max_connections;
    };
    const first = insert("a", { item: version(1) });
    const second = modify("a", version(1), version(2));
    const third = modify("a", version(2), version(3, { AppKey: { S: "a-key-2" } }));
    await apply(first);
    expect(await connectionsAt("key:a-key")).toBe(1);
    expect(await redis.ttl(`${keyPrefix}:app:key:a-key`)).toBe(-1);
    await apply(third);
    for (const late of [second, first]) await apply(late);
    expect([await connectionsAt("id:a"), await connectionsAt("key:a-key-2")]).toEqual([3, 3]);
    expect(await connectionsAt("key:a-key")).toBeUndefined();

    const others = ["app:other:a", "idempotency:a", "app"].map((name) => `${keyPrefix}:${name}`);
    for (const name of others) await redis.set(name, JSON.stringify({ id: "a", secret: "s" }));
    await redis.lpush(`${keyPrefix}:app:id:list`, "1");
    const nobody = { read: () => Promise.resolve(new Map<string, App>()) };
    const table = { ...nobody, readItems: () => Promise.resolve(new Map()), pages: noPages };
    const outcome = await sweep({ cache: cacheIn("refresh"), table, remainingMs: () => 60_000 });
    expect(outcome).toMatchObject({ entries: 2, removed: 2, foreign: 1 });
    expect(await connectionsAt("id:a")).toBeUndefined();
    for (const name of others) expect(await redis.exists(name)).toBe(1);
    expect(await redis.llen(`${keyPrefix}:app:id:list`)).toBe(1);
    await apply(third);
    await apply(remove("a", { item: version(3, { AppKey: { S: "a-key-2" } }) }));
    await apply(third);
    expect([await connectionsAt("id:a"), await connectionsAt("key:a-key-2")]).toEqual([undefined, undefined]);
  });

  it("a record that comes again is applied again; one without a number always", async () => {
    const { apply, versionAt, keyPrefix } = openCache(await open());
    const again = insert("a", { item: version(1) });
    await apply(again);
    await apply(modify("a", version(1), version(2), { sequenceNumber: "" }));
    expect(await versionAt("a")).toBe(2);
    await apply(again);
    expect(await versionAt("a")).toBe(1);
    expect(keyPrefix).not.toBe("");
  });

  it("after evicting too: a function that still refreshes does not bring the old app back", async () => {
    const { apply, versionAt } = openCache(await open());
    const old = insert("a", { item: version(1) });
    await apply(modify("a", version(1), version(2)), "evict");
    await apply(old, "refresh");
    expect(await versionAt("a")).toBeUndefined();
    expect(await versionAt("a-key")).toBeUndefined();
  });

  it("whatever the number's length, and the stream", async () => {
    const { apply, versionAt } = openCache(await open());
    const stream = (label: string, region = "eu-west-1") =>
      `arn:aws:dynamodb:${region}:123456789012:table/apps/stream/${label}`;
    let tried = 0;
    const winner = async (earlier: [string, string], later: [string, string]) => {
      const id = `app-${(tried += 1)}`;
      const [one, two] = [earlier, later].map(([sequenceNumber, eventSourceARN], i) => ({
        ...insert(id, { item: version(i + 1), sequenceNumber }),
        eventSourceARN,
      }));
      await apply(one);
      await apply(two);
      return versionAt(id);
    };
    const now = stream("2026-02-01T00:00:00.000");
    const nines = "9".repeat(39);
    expect(await winner(["9", now], ["10", now])).toBe(2);
    expect(await winner(["10", now], ["9", now])).toBe(1);
    expect(await winner(["0010", now], ["9", now])).toBe(1);
    expect(await winner([`1${nines}`, now], [`1${nines.slice(1)}8`, now])).toBe(1);
    expect(await winner([`1${nines.slice(1)}8`, now], [`1${nines}`, now])).toBe(2);
    // The stream was switched off and on, or the table made anew: its numbers may begin anywhere.
    expect(await winner([nines, stream("2026-01-01T00:00:00.000")], ["1", now])).toBe(2);
    expect(await winner(["1", now], [nines, stream("2026-01-01T00:00:00.000")])).toBe(1);
    // Numbers of two regions say nothing of each other.
    expect(await winner([nines, now], ["1", stream("2025-01-01T00:00:00.000", "us-east-1")])).toBe(2);
  });

  it("whatever braces are in its name", async () => {
    const { apply, versionAt } = openCache(await open());
    for (const id of ["a}b", "{}c", "{d}e", "f{g}", "h{", "{{i}}", "}{j}", "k} {", "ü}{"]) {
      const key = `${id}-key`;
      const item = (n: number) => version(n, { AppKey: { S: key } });
      const late = insert(id, { item: item(1) });
      await apply(modify(id, item(1), item(2)));
      await apply(late);
      expect([id, await versionAt(id), await versionAt(key)]).toEqual([id, 2, 2]);
    }
  });

  it("a reading of the table gives way to a record that was quicker, and is done again", async () => {
    let table = new Map<string, App>();
    let beforeRead: ((reads: number) => Promise<void>) | undefined;
    let reads = 0;
    const reader: AppsReader = {
      async read(ids) {
        const now = new Map([...table].filter(([id]) => ids.includes(id)));
        reads += 1;
        // What is read is on its way while the next is done.
        await beforeRead?.(reads);
        return now;
      },
      readItems: () => Promise.reject(new Error("expected no such read")),
      pages: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
      }),
    };
    const put = (n: number) => {
      const { app } = normalize(image("a", version(n)));
      if (!app) throw new Error("expected an app");
      table = new Map([["a", app]]);
    };
    const { apply, versionAt, repair } = openCache(await open(), reader);
    put(2);
    await apply(insert("a", { item: version(2) }));
    beforeRead = async (n) => {
      if (n !== 2) return;
      put(3);
      await apply(modify("a", version(2), version(3)));
    };
    expect(await repair(reader)).toEqual({ unsettled: [], withoutRoom: [], foreign: 0 });
    expect(reads).toBe(3);
    expect(await versionAt("a-key")).toBe(3);

    // And to a later reading, also where no record ever came: a sweep that was frozen.
    reads = 0;
    beforeRead = async (n) => {
      if (n !== 2) return;
      put(4);
      await repair(reader);
    };
    await repair(reader);
    expect(await versionAt("a-key")).toBe(4);
  });

  it("in a Redis that was emptied everything is new", async () => {
    const redis = await open();
    const { apply, versionAt, keyPrefix } = openCache(redis);
    const old = insert("a", { item: version(1) });
    await apply(modify("a", version(1), version(2)));
    for (const name of ["a", "a-key"])
      await redis.del(`${keyPrefix}app:${name}`, `app-sync-fence:{${keyPrefix}app:${name}}`);
    await apply(old);
    expect(await versionAt("a")).toBe(1);
    await apply(modify("a", version(2), version(3)));
    expect(await versionAt("a")).toBe(3);
  });

  it("a key of another type is left alone, and holds nothing up", async () => {
    const redis = await open();
    const { apply, versionAt, keyPrefix, store } = openCache(redis);
    await redis.rpush(`${keyPrefix}app:a`, "of another program");
    for (const record of [insert("a", { item: version(1) }), remove("a", { item: version(1) })]) {
      await apply(record);
      await apply(record, "evict");
    }
    expect(await redis.lrange(`${keyPrefix}app:a`, 0, -1)).toEqual(["of another program"]);
    expect(await versionAt("a-key")).toBeUndefined();
    expect(await store.read(["a", "a-key"])).toEqual([null, undefined]);
  });

  it("a key of another type in the place of a fence holds nothing up either", async () => {
    const redis = await open();
    const { apply, repair, versionAt, keyPrefix } = openCache(redis);
    const fence = `app-sync-fence:{${keyPrefix}app:a}`;
    await redis.set(fence, "of another program");
    await apply(insert("a", { item: version(1) }));
    expect([await versionAt("a"), await redis.type(fence)]).toEqual([1, "hash"]);
    await redis.del(fence);
    await redis.set(fence, "of another program");
    const { app } = normalize(image("a", version(2)));
    const reader: AppsReader = {
      read: () => Promise.resolve(new Map(app ? [["a", app]] : [])),
      readItems: () => Promise.resolve(new Map()),
      pages: noPages,
    };
    expect(await repair(reader)).toEqual({ unsettled: [], withoutRoom: [], foreign: 0 });
    expect([await versionAt("a"), await redis.type(fence)]).toEqual([2, "hash"]);
  });
});

describe("what a sweep reads", () => {
  const NONE: AppsReader = {
    read: () => Promise.resolve(new Map()),
    readItems: () => Promise.resolve(new Map()),
    pages: noPages,
  };
  const served = { id: "gone", key: "gone", secret: "s", enabled: true };

  it.each(["refresh", "evict"] as const)(
    "is what soketi reads, also of bytes that are no UTF-8: %s",
    async (mode) => {
      const redis = kept(new Redis(inject("redisUrl")));
      const { cacheIn, keyPrefix } = openCache(redis);
      const [before, after] = JSON.stringify({ ...served, secret: "|" }).split("|");
      const bytes = Buffer.concat([
        Buffer.from(before ?? ""),
        Buffer.from([0xff, 0xc3]),
        Buffer.from(after ?? ""),
      ]);
      await redis.set(`${keyPrefix}app:gone`, bytes);
      const outcome = await sweep({ cache: cacheIn(mode), table: NONE, remainingMs: () => 60_000 });
      expect(outcome).toMatchObject({ entries: 1, removed: 1, foreign: 0 });
      expect(await redis.exists(`${keyPrefix}app:gone`)).toBe(0);
    },
  );

  it("is long texts one by one, and none that is longer than a server could use", async () => {
    const redis = kept(new Redis(inject("redisUrl")));
    const { cacheIn, keyPrefix, store } = openCache(redis);
    await redis.set(`${keyPrefix}app:long`, JSON.stringify({ ...served, more: "x".repeat(2 ** 20) }));
    await redis.set(`${keyPrefix}app:file`, "x".repeat(2 ** 20));
    await redis.setrange(`${keyPrefix}app:huge`, 2 ** 26, "x");
    expect(await store.read(["long", "file", "huge"])).toEqual([LONG_TEXT, LONG_TEXT, LONG_TEXT]);
    expect(await store.readWhole("huge")).toBeNull();
    const outcome = await sweep({ cache: cacheIn("refresh"), table: NONE, remainingMs: () => 60_000 });
    expect(outcome).toMatchObject({ entries: 1, removed: 1, foreign: 2 });
    expect((await redis.keys(`${keyPrefix}*`)).sort()).toEqual([
      `${keyPrefix}app:file`,
      `${keyPrefix}app:huge`,
    ]);
    await redis.del(`${keyPrefix}app:file`, `${keyPrefix}app:huge`);
  });
});

describe("in a full Redis", () => {
  async function openFull(server: Server = "soketi", table?: AppsReader) {
    const { url } = keep(await startRedis());
    const redis = kept(new Redis(url));
    const cache = openCache(redis, table, server);
    const setFull = (isFull: boolean) => redis.config("SET", "maxmemory", isFull ? "1" : "0");
    const fenceOf = (name: string) =>
      redis.hget(`app-sync-fence:{${cache.keyPrefix}app:${name}}`, "a").then((text) => text ?? "");
    const evicting = (record: unknown) => {
      const apps = new CacheChanges();
      apps.add(decodeRecord(record) as StreamChange);
      const write = { name: "a-key", appId: "a", fence: apps.all()[0]?.fence ?? { kind: "none" as const } };
      return cache.store.write([{ ...write, whosever: true }]);
    };
    return { ...cache, redis, setFull, fenceOf, evicting };
  }
  const first = insert("a", { item: version(1) });
  const second = modify("a", version(1), version(2));
  const gone = remove("a", { item: version(2) });

  it.each(["refresh", "evict"] as const)(
    "a removal is done, and what is older does not come back: %s",
    async (mode) => {
      const { apply, versionAt, setFull, fenceOf } = await openFull();
      await apply(first);
      await setFull(true);
      expect(await apply(gone, mode)).toEqual([]);
      expect([await versionAt("a"), await versionAt("a-key")]).toEqual([undefined, undefined]);
      expect(await fenceOf("a")).toMatch(/^\S+ \S+ \d+$/);
      await setFull(false);
      await apply(second);
      expect(await versionAt("a-key")).toBeUndefined();
    },
  );

  it("a removal of what is not there is done, too: of an app that nobody has asked for", async () => {
    const { evicting, setFull, fenceOf } = await openFull();
    await setFull(true);
    expect(await evicting(second)).toEqual(["done"]);
    expect(await fenceOf("a-key")).not.toBe("");
  });

  it("an app has the place of what was there; where nothing was, nothing is, until there is room", async () => {
    const { apply, versionAt, redis, setFull, keyPrefix } = await openFull();
    await apply(first);
    await redis.del(`${keyPrefix}app:a`);
    await setFull(true);
    expect(await apply(second)).toEqual(["a"]);
    expect([await versionAt("a"), await versionAt("a-key")]).toEqual([undefined, 2]);
    await setFull(false);
    expect(await apply(first)).toEqual([]);
    expect([await versionAt("a"), await versionAt("a-key")]).toEqual([undefined, 2]);
    expect(await apply(second)).toEqual([]);
    expect(await versionAt("a")).toBe(2);
  });

  it("a key that has passed on stays the other app's, whatever comes late", async () => {
    const { apply, versionAt, redis, setFull, keyPrefix, fenceOf } = await openFull();
    await apply(first);
    const other = JSON.stringify({ id: "b", maxConnections: 9 });
    await redis.set(`${keyPrefix}app:a-key`, other);
    await setFull(true);
    await apply(modify("a", version(1), version(2, { AppKey: { S: "a-key-2" } })));
    expect(await fenceOf("a-key")).not.toBe("");
    await setFull(false);
    await apply(first);
    expect(await versionAt("a-key")).toBe(9);
  });

  it("a sweep says so after it has done what it can, and puts right what there is room for", async () => {
    const apps = new Map<string, App>();
    for (const id of ["a", "b"]) {
      const { app } = normalize(image(id, version(2)));
      if (app) apps.set(id, app);
    }
    const table: AppsReader = {
      read: (ids) => Promise.resolve(new Map([...apps].filter(([id]) => ids.includes(id)))),
      readItems: () => Promise.resolve(new Map()),
      async *pages() {
        yield await Promise.resolve([...apps].map(([appId, app]) => ({ appId, app })));
      },
    };
    const { apply, versionAt, redis, setFull, cacheIn, keyPrefix } = await openFull("soketi", table);
    await apply(first);
    await redis.set(`${keyPrefix}app:gone`, JSON.stringify({ id: "gone", key: "k", secret: "s" }));
    await setFull(true);
    const run = () => sweep({ cache: cacheIn("refresh"), table, remainingMs: () => 60_000 });
    const keys = await redis.dbsize();
    await expect(run()).rejects.toMatchObject({
      code: "E_NO_ROOM",
      message: expect.stringContaining("found it full, and 1 of 2 apps missing") as string,
    });
    expect([await versionAt("a"), await versionAt("a-key"), await versionAt("b")]).toEqual([2, 2, undefined]);
    // What is put nowhere takes no room for a fence, however many apps the table has.
    expect(await redis.dbsize()).toBe(keys - 1);
    await setFull(false);
    expect(await run()).toMatchObject({ repaired: 1, removed: 0 });
    expect([await versionAt("b"), await versionAt("b-key")]).toEqual([2, 2]);
  });

  it.each(["evict", "refresh"] as const)(
    "the built function has the log halved, and publishes: %s",
    async (mode) => {
      const server = keep(await startRedis());
      const redis = kept(new Redis(server.url));
      const handler = await loadHandler({
        REDIS_URL: server.url,
        APP_SYNC_PREFIX: "{full}",
        APP_MANAGER_DYNAMODB_TABLE: "apps",
        SHARED_CACHE: mode,
      });
      const run = (...records: unknown[]) =>
        handler({ Records: records }, { getRemainingTimeInMillis: () => 20_000 });
      const taken = { batchItemFailures: [] };
      const names = busNames("{full}");
      const log = createRedisLog(redis, names, { logLength: 100_000, logBytes: 2 ** 25 });
      await log.append(Array.from({ length: 64 }, () => ({ whole: "x".repeat(50_000), live: "thin" })));
      expect(await run(first)).toEqual(taken);
      const old = JSON.stringify({ id: "a", maxConnections: 1 });
      await redis.mset("app:a", old, "app:a-key", old);
      const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
      await redis.config("SET", "maxmemory", String(used - 100_000));
      await expect(redis.set("x", "y")).rejects.toThrow(/OOM/);
      // What is new needs room, which only the append makes.
      expect(await run(second, insert("b", { item: version(2) }))).toEqual(taken);
      const [last] = await redis.xrevrange(names.log, "+", "-", "COUNT", 1);
      const decoded = decodeMessage(last?.[1][1] ?? "");
      expect(decoded.kind === "changes" && decoded.message.changes.map(({ appId }) => appId)).toEqual([
        "a",
        "b",
      ]);
      expect(await redis.xlen(names.log)).toBeLessThan(40);
      const entries = await redis.mget("app:a", "app:a-key", "app:b", "app:b-key");
      const now = expect.stringContaining('"maxConnections":2') as string;
      expect(entries).toEqual(Array.from({ length: 4 }, () => (mode === "evict" ? null : now)));
    },
  );
});

it("the built function: what it sent before its deadline, and Redis got after a newer one, is refused", async () => {
  const server = keep(await startRedis());
  const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
  keep({ stop: () => proxy.close() });
  const redis = kept(new Redis(server.url));
  const env = (port: number) => ({
    REDIS_URL: `redis://127.0.0.1:${port}`,
    APP_SYNC_PREFIX: "{fence}",
    APP_MANAGER_DYNAMODB_TABLE: "apps",
    SHARED_CACHE: "refresh",
  });
  const late = await loadHandler(env(proxy.port));
  const other = await loadHandler(env(server.port));
  const within = { getRemainingTimeInMillis: () => 20_000 };
  const taken = { batchItemFailures: [] };
  expect(await late({ Records: [insert("a", { item: version(1) })] }, within)).toEqual(taken);

  const second = modify("a", version(1), version(2));
  proxy.slow(() => 2_500);
  const failed = late({ Records: [second] }, within);
  expect(await other({ Records: [second, modify("a", version(2), version(3))] }, within)).toEqual(taken);
  const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1]);
  const before = await calls();
  expect(await failed).not.toEqual(taken);
  await untilTrue("what was late", async () => (await calls()) > before);
  for (const name of ["a", "a-key"])
    expect(JSON.parse((await redis.get(`app:${name}`)) ?? "")).toMatchObject({ maxConnections: 3 });
});
