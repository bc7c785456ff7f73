import { beforeEach, describe, expect, it } from "vitest";
import { cache, changed, clock, freshCache, lease, table, v } from "./held-table.ts";

beforeEach(freshCache);

describe("missing apps", () => {
  it("are cached by id for a minute while the lease is held, and cleared by their creation", async () => {
    expect(await cache.findById("a")).toBeNull();
    clock.now = 60_000;
    expect(await cache.findById("a")).toBeNull();
    expect(cache.stats.loads).toBe(1);
    table.put(v(1));
    cache.apply(changed("a", ["k"], "k"));
    expect(await cache.findById("a")).toEqual(v(1));
  });

  it("are cached by key for a short time, since the index lags", async () => {
    expect(await cache.findByKey("k")).toBeNull();
    expect(await cache.findByKey("k")).toBeNull();
    expect(cache.indexQueries).toBe(1);
    table.put(v(1));
    clock.now = 1_000;
    expect(await cache.findByKey("k")).toBeNull();
    clock.now = 1_001;
    expect(await cache.findByKey("k")).toEqual(v(1));
  });

  it("are found by key at once when a message names the key", async () => {
    expect(await cache.findByKey("k")).toBeNull();
    table.put(v(1));
    cache.apply(changed("a", ["k"]));
    expect(await cache.findByKey("k")).toEqual(v(1));
  });

  it("are not what is remembered when the table could not be read", async () => {
    table.held = true;
    const byKey = cache.findByKey("k");
    table.pending[0]?.fail(new Error("down"));
    expect(await byKey).toBeNull();
    table.held = false;
    table.put(v(1));
    expect(await cache.findByKey("k")).toEqual(v(1));
  });
});

describe("bounds", () => {
  it("let the entry that was read longest ago go first, with its key", async () => {
    for (const id of ["a", "b", "c", "d"]) {
      table.put(v(1, id, `k-${id}`));
      await cache.findByKey(`k-${id}`);
    }
    expect(cache.size).toBe(3);
    expect([...cache.ids()]).toEqual(["b", "c", "d"]);
    expect(await cache.findByKey("k-a")).toEqual(v(1, "a", "k-a"));
    expect(cache.indexQueries).toBe(5);
  });

  it("keep real apps safe from a flood of made-up ids and keys", async () => {
    table.put(v(1));
    await cache.findByKey("k");
    for (let i = 0; i < 10; i += 1) {
      await cache.findById(`made-up-${i}`);
      await cache.findByKey(`made-up-${i}`);
    }
    await cache.findByKey("k");
    expect(cache.stats).toMatchObject({ hits: 1, loads: 11 });
  });
});

describe("an entry that had to go for others", () => {
  it("takes its key along, so that the index is asked again", async () => {
    for (const id of ["a", "b", "c", "d"]) {
      table.put(v(1, id, `${id}-key`));
      await cache.findByKey(`${id}-key`);
    }
    expect(cache.size).toBe(3);
    const before = cache.indexQueries;
    await cache.findByKey("a-key");
    expect(cache.indexQueries).toBe(before + 1);
  });
});

describe("what is counted", () => {
  it("hits, misses, reads, drops, failures and what was served all the same", async () => {
    table.put(v(1));
    await cache.findById("a");
    await cache.findById("a");
    await cache.findByKey("k");
    await cache.findByKey("k");
    expect(cache.stats).toEqual({ hits: 2, misses: 2, loads: 1, loadErrors: 0, drops: 0, staleServed: 0 });
    expect(cache.indexQueries).toBe(1);
    cache.apply(changed("a"));
    cache.apply(changed("unknown"));
    expect(cache.stats.drops).toBe(1);
    await cache.findByKey("nobody");
    await cache.findByKey("nobody");
    expect(cache.stats).toMatchObject({ hits: 3, misses: 3 });
    await cache.findById("a");
    cache.flush();
    expect(cache.stats.drops).toBe(1);
    await cache.findById("a");
    lease.until = 0;
    clock.now = 6_000;
    table.held = true;
    const asked = cache.findById("a");
    table.pending[0]?.fail(new Error("throttled"));
    expect(await asked).toEqual(v(1));
    expect(cache.stats).toMatchObject({ loadErrors: 1, staleServed: 1 });
  });

  it("reads that were overtaken, by id and by key", async () => {
    table.put(v(1));
    table.held = true;
    const byId = cache.findById("a");
    cache.drop("a");
    table.release();
    await Promise.resolve();
    const byKey = cache.findByKey("k2");
    cache.apply(changed("b", ["k2"]));
    table.held = false;
    table.release();
    await Promise.all([byId, byKey]);
    expect(cache.voidedReads).toBe(2);
  });
});

describe("what strangers ask for", () => {
  it("leaves memory in time, also when nobody asks any more", async () => {
    for (let i = 0; i < 100; i += 1) {
      await cache.findById(`made-up-${i}`);
      await cache.findByKey(`made-up-${i}`);
    }
    expect(cache.missing).toBe(200);
    clock.now += 1_001;
    cache.sweep();
    expect(cache.missing).toBe(100);
    clock.now += 59_000;
    cache.sweep();
    expect(cache.missing).toBe(0);
  });

  it("pushes no app out", async () => {
    table.put(v(1));
    await cache.findByKey("k");
    for (let i = 0; i < 1_000; i += 1) {
      await cache.findById(`made-up-${i}`);
      await cache.findByKey(`made-up-${i}`);
    }
    const { loads } = cache.stats;
    expect(await cache.findByKey("k")).toEqual(v(1));
    expect(cache.stats.loads).toBe(loads);
  });
});
