import { beforeEach, describe, expect, it, vi } from "vitest";
import { cache, changed, clock, failures, freshCache, lease, settle, table, v } from "./held-table.ts";

beforeEach(freshCache);

describe("lookups", () => {
  it("reads an app once, by id and by key", async () => {
    table.put(v(1));
    expect(await cache.findByKey("k")).toEqual(v(1));
    expect(await cache.findById("a")).toEqual(v(1));
    expect(await cache.findByKey("k")).toEqual(v(1));
    expect(cache.stats).toMatchObject({ loads: 1, hits: 2, misses: 1 });
    expect(cache.indexQueries).toBe(1);
  });

  it("tells people what it holds, and how old that is, without reading", async () => {
    expect(cache.inspect("a")).toBeUndefined();
    clock.now = 1_000;
    table.put(v(1));
    await cache.findById("a");
    await cache.findById("nobody");
    clock.now = 1_250;
    expect(cache.inspect("a")).toEqual({ app: v(1), readMsAgo: 250, proven: true });
    expect(cache.inspect("nobody")).toEqual({ app: null, readMsAgo: 250, proven: true });
    lease.until = 0;
    clock.now = 10_000;
    expect(cache.inspect("a")).toMatchObject({ proven: false });
    expect(cache.stats.loads).toBe(2);
  });

  it("hands out the very same object on each hit", async () => {
    table.put(v(1));
    const first = await cache.findById("a");
    expect(await cache.findById("a")).toBe(first);
    expect(cache.findById("a")).toBe(cache.findById("a"));
  });

  it("reads once for callers at the same time", async () => {
    table.put(v(1));
    table.held = true;
    const callers = Array.from({ length: 100 }, () => cache.findByKey("k"));
    await settle();
    table.release();
    await settle();
    table.release();
    expect(await Promise.all(callers)).toEqual(Array(100).fill(v(1)));
    expect(cache.stats.loads).toBe(1);
    expect(cache.indexQueries).toBe(1);
  });

  it("asks the index once, also when callers come while the app that it named is being read", async () => {
    table.put(v(1));
    table.held = true;
    const first = cache.findByKey("k");
    table.release();
    await Promise.resolve();
    while (table.pending.length === 0) await Promise.resolve();
    expect(table.pending.map(({ name }) => name)).toEqual(["id a"]);
    const second = cache.findByKey("k");
    await Promise.resolve();
    expect(table.pending.map(({ name }) => name)).toEqual(["id a"]);
    table.release();
    expect(await first).toBe(await second);
    expect(cache.indexQueries).toBe(1);
  });

  it("does not hand out what it read before a pause of the process, unless the lease outlasted it", async () => {
    for (const [until, answer] of [
      [0, v(2)],
      [Number.POSITIVE_INFINITY, v(1)],
    ] as const) {
      table.put(v(1));
      table.held = true;
      lease.until = until;
      const lookup = cache.findById("a");
      table.put(v(2));
      clock.now += 6_000;
      table.release();
      await settle();
      table.release();
      expect(await lookup).toEqual(answer);
      cache.flush();
    }
  });

  it("does not believe the index either when its answer is from before a pause", async () => {
    table.held = true;
    const lookup = cache.findByKey("k");
    table.put(v(1));
    clock.now += 6_000;
    for (let reads = 0; reads < 3; reads += 1) {
      table.release();
      await settle();
    }
    expect(await lookup).toEqual(v(1));
  });

  it("asks the index again when the app that it led to is found with another key after a pause", async () => {
    lease.until = 0;
    for (const [pauseMs, answer] of [
      [5_000, null],
      [5_001, v(1, "b")],
    ] as const) {
      table.put(v(1));
      table.held = true;
      const lookup = cache.findByKey("k");
      table.put(v(2, "a", "other"));
      table.put(v(1, "b"));
      table.release();
      await settle();
      clock.now += pauseMs;
      for (let reads = 0; reads < 4; reads += 1) {
        table.release();
        await settle();
      }
      expect(await lookup).toEqual(answer);
      clock.now += 60_000;
    }
  });

  it("answers null, says so and forgets it when the table cannot be read", async () => {
    table.put(v(1));
    table.held = true;
    const lookup = cache.findById("a");
    table.pending[0]?.fail(new Error("throttled"));
    expect(await lookup).toBeNull();
    const byKey = cache.findByKey("k");
    table.pending[1]?.fail(new Error("no index"));
    expect(await byKey).toBeNull();
    expect(failures).toEqual(["app a: throttled", "key k: no index"]);
    table.held = false;
    expect(await cache.findByKey("k")).toEqual(v(1));
  });

  it("tells who asks, and nobody else, that null means unreadable", async () => {
    table.held = true;
    const told: string[] = [];
    const listener = (who: string) => (error: unknown) => told.push(`${who}: ${(error as Error).message}`);
    const lookups = [
      cache.findById("a", listener("by id")),
      cache.findById("nobody", listener("of nobody")),
      cache.findByKey("k", listener("by key")),
      cache.findByKey("nobody", listener("of no key")),
    ];
    const [byId, ofNobody, byKey, ofNoKey] = table.pending;
    ofNobody?.answer();
    ofNoKey?.answer();
    byId?.fail(new Error("throttled"));
    byKey?.fail(new Error("no index"));
    expect(await Promise.all(lookups)).toEqual([null, null, null, null]);
    expect(told.sort()).toEqual(["by id: throttled", "by key: no index"]);
  });

  it("tells it also when the index has named the app, or a message has", async () => {
    table.put(v(1));
    table.held = true;
    const told: unknown[] = [];
    const viaIndex = cache.findByKey("k", (error) => told.push(error));
    table.pending[0]?.answer();
    await settle();
    table.pending[1]?.fail(new Error("down"));
    expect(await viaIndex).toBeNull();
    cache.apply(changed("a", ["k"], "k"));
    const viaMessage = cache.findByKey("k", (error) => told.push(error));
    table.pending[2]?.fail(new Error("still down"));
    expect(await viaMessage).toBeNull();
    expect(told).toEqual([new Error("down"), new Error("still down")]);
  });

  it("gives up on a known key when its app cannot be read, without asking the index", async () => {
    cache.apply(changed("a", ["k"], "k"));
    table.held = true;
    const byKey = cache.findByKey("k");
    table.pending[0]?.fail(new Error("down"));
    expect(await byKey).toBeNull();
    expect(cache.indexQueries).toBe(0);
  });

  it("rejects only for those who must know whether an app is gone", async () => {
    table.held = true;
    const lookup = cache.lookup("a");
    table.pending[0]?.fail(new Error("down"));
    await expect(lookup).rejects.toThrow("down");
  });
});

describe("lookup", () => {
  it("takes what is proven, and reads what is not, missing apps included", async () => {
    table.put(v(1));
    await cache.findById("a");
    expect(await cache.lookup("a")).toEqual(v(1));
    await cache.findById("none");
    expect(await cache.lookup("none")).toBeNull();
    expect(cache.stats.loads).toBe(2);
  });
});

describe("a lookup by key", () => {
  it("has one budget for the key and the app", async () => {
    vi.useFakeTimers();
    try {
      table.put(v(1));
      table.held = true;
      const told: unknown[] = [];
      const answers: unknown[] = [];
      void cache.findByKey("k", (error) => told.push(error)).then((answer) => answers.push(answer));
      clock.now += 4_000;
      await vi.advanceTimersByTimeAsync(4_000);
      table.release();
      await vi.advanceTimersByTimeAsync(1_099);
      expect(table.pending.map(({ name }) => name)).toEqual(["id a"]);
      expect(answers).toEqual([]);
      await vi.advanceTimersByTimeAsync(2);
      expect(answers).toEqual([null]);
      expect(told).toEqual([
        new Error("expected the key and then the app from DynamoDB in time, found no answer"),
      ]);
      // What was read all the same is there for the next.
      table.release();
      await vi.advanceTimersByTimeAsync(0);
      expect(cache.peek("a")).toEqual(v(1));
    } finally {
      vi.useRealTimers();
    }
  });

  it("tells of what stood in the way of the read itself, when that ends with its own budget", async () => {
    vi.useFakeTimers();
    try {
      table.put(v(1));
      await cache.findByKey("k");
      lease.until = 0;
      clock.now += 60_000 + 5_001;
      table.held = true;
      const told: unknown[] = [];
      const asked = cache.findByKey("k", (error) => told.push(error));
      await vi.advanceTimersByTimeAsync(5_000);
      table.pending.pop()?.fail(new Error("connect ECONNREFUSED"));
      expect(await asked).toBeNull();
      expect(told).toEqual([new Error("connect ECONNREFUSED")]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a key whose app has another now", () => {
  it("is forgotten, and resolved once more", async () => {
    table.put(v(1));
    await cache.findByKey("k");
    // The table has moved the key to another app, and no message said so yet.
    table.put(v(1, "b", "k"));
    table.apps.set("a", v(2, "a", "other"));
    cache.drop("a");
    expect((await cache.findByKey("k"))?.id).toBe("b");
    expect(cache.indexQueries).toBe(2);
  });

  it("also when its app is gone", async () => {
    table.put(v(1));
    await cache.findByKey("k");
    table.put(v(1, "b", "k"));
    table.apps.delete("a");
    cache.drop("a");
    expect((await cache.findByKey("k"))?.id).toBe("b");
  });
});
