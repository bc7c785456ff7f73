import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  cache,
  changed,
  changes,
  clock,
  freshCache,
  lease,
  settle,
  table,
  type TestApp,
  v,
} from "./held-table.ts";

beforeEach(freshCache);

describe("while the table cannot be read", () => {
  beforeEach(async () => {
    table.put(v(1));
    await cache.findByKey("k");
    lease.until = 0;
    table.held = true;
  });

  async function failing(lookup: Promise<TestApp | null>): Promise<TestApp | null> {
    for (const { fail } of table.pending.splice(0)) fail(new Error("down"));
    return lookup;
  }

  it("an entry that is only unverified is served up to its limit, by id and by key", async () => {
    clock.now = 60_000;
    const told: unknown[] = [];
    const onUnreadable = (error: unknown) => told.push(error);
    expect(await failing(cache.findById("a", onUnreadable))).toEqual(v(1));
    expect(await failing(cache.findByKey("k", onUnreadable))).toEqual(v(1));
    expect(cache.stats).toMatchObject({ staleServed: 2, loadErrors: 2 });
    expect(told).toEqual([]);
    clock.now = 60_001;
    expect(await failing(cache.findById("a", onUnreadable))).toBeNull();
    expect(told).toEqual([new Error("down")]);
  });

  it("an entry that was invalidated is never served again", async () => {
    cache.apply(changed("a"));
    expect(await failing(cache.findById("a"))).toBeNull();
    expect(await failing(cache.findByKey("k"))).toBeNull();
    expect(cache.stats.staleServed).toBe(0);
  });

  it("those who must know whether the app is gone are told of the failure", async () => {
    clock.now = 10_000;
    await expect(failing(cache.lookup("a"))).rejects.toThrow("down");
  });
});

describe("without a lease", () => {
  it("serves an entry until it is as old as the degraded TTL, and then reads again", async () => {
    table.put(v(1));
    await cache.findByKey("k");
    lease.until = 0;
    table.put(v(2));
    clock.now = 5_000;
    expect(await cache.findByKey("k")).toEqual(v(1));
    clock.now = 5_001;
    expect(await cache.findByKey("k")).toEqual(v(2));
    expect(cache.stats.loads).toBe(2);
  });

  it("tells of an app that a new read found changed, and keeps the object of one that it did not", async () => {
    table.put(v(1));
    const first = await cache.findById("a");
    lease.until = 0;
    clock.now = 6_000;
    table.put(v(1));
    expect(await cache.findById("a")).toBe(first);
    expect(changes).toEqual([]);
    clock.now = 12_000;
    table.put(v(2));
    expect(await cache.findById("a")).toEqual(v(2));
    clock.now = 18_000;
    table.apps.delete("a");
    expect(await cache.findById("a")).toBeNull();
    expect(changes).toEqual(["a", "a"]);
  });

  it("counts the age from when the read was sent, not from when it came back", async () => {
    table.put(v(1));
    table.held = true;
    const lookup = cache.findById("a");
    clock.now = 4_000;
    table.release();
    await lookup;
    lease.until = 0;
    table.held = false;
    table.put(v(2));
    clock.now = 5_001;
    expect(await cache.findById("a")).toEqual(v(2));
  });

  it("serves any entry for as long as the lease is held", async () => {
    table.put(v(1));
    await cache.findById("a");
    lease.until = 1_000_000;
    clock.now = 999_999;
    await cache.findById("a");
    expect(cache.stats.loads).toBe(1);
    clock.now = 1_000_000;
    await cache.findById("a");
    expect(cache.stats.loads).toBe(2);
  });
});

describe("the limits of time", () => {
  it.each([
    [
      "an app that changes faster than it can be read is not waited for longer than the budget",
      40,
      127,
      5_040,
    ],
    ["a slow table is given a hundred reads all the same", 100, 100, 9_900],
  ])("%s", async (_what, everyMs, reads, waitedMs) => {
    table.put(v(1));
    // An earlier storm that ended well does not count.
    clock.now = 1_000_000;
    table.held = true;
    const earlier = cache.findById("a");
    for (let read = 1; read <= 90; read += 1) {
      cache.drop("a");
      table.pending.shift()?.answer();
      await settle();
    }
    table.pending.shift()?.answer();
    expect(await earlier).toEqual(v(1));
    cache.drop("a");
    clock.now += 1_000_000;

    const told: unknown[] = [];
    const first = cache.findById("a", (error) => told.push(error));
    for (let read = 1; read <= 150; read += 1) {
      clock.now += everyMs;
      cache.drop("a");
      // Others keep asking: that must not make the first one's wait begin anew.
      void cache.findById("a");
      table.pending.shift()?.answer();
      await settle();
    }
    expect(await first).toBeNull();
    expect(told).toEqual([new Error(`changed during each of ${reads} reads within ${waitedMs} ms`)]);
    table.held = false;
    table.release();
    await settle();
    expect(await cache.findById("a")).toEqual(v(1));
  });

  it("a pause as long as the budget is no reason to give up", async () => {
    table.put(v(1));
    table.held = true;
    const asked = cache.findById("a");
    clock.now += 60_000;
    cache.flush();
    table.held = false;
    table.release();
    expect(await asked).toEqual(v(1));
  });

  it("nor is it by key, when the app is read after the pause", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      table.put(v(1));
      lease.until = 0;
      table.held = true;
      const asked = cache.findByKey("k");
      // It wakes with a timer due, and an answer of the index in the socket, which is too old by now.
      clock.now += 60_000;
      vi.advanceTimersToNextTimer();
      for (let reads = 0; reads < 3; reads += 1) {
        clock.now += 100;
        await vi.advanceTimersByTimeAsync(100);
        table.release();
        await settle();
      }
      expect(await asked).toEqual(v(1));
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("an answer that took just the budget is taken, and one that took longer is not", async () => {
    table.put(v(1));
    lease.until = 0;
    table.held = true;
    const asked = cache.findById("a");
    clock.now = 5_000;
    table.release();
    expect(await asked).toEqual(v(1));
    expect(cache.stats.loads).toBe(1);
  });

  it("an entry counts from when it was read, wherever the clock stands", async () => {
    table.put(v(1));
    lease.until = 0;
    clock.now = 1_000_000;
    await cache.findById("a");
    clock.now += 5_000;
    await cache.findById("a");
    expect(cache.stats.loads).toBe(1);
    table.held = true;
    clock.now += 60_000 - 5_000;
    const served = cache.findById("a");
    table.pending.splice(0)[0]?.fail(new Error("down"));
    expect(await served).toEqual(v(1));
    clock.now += 1;
    const refused = cache.findById("a");
    table.pending.splice(0)[0]?.fail(new Error("down"));
    expect(await refused).toBeNull();
  });
});
