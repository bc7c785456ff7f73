import { beforeEach, describe, expect, it, vi } from "vitest";
import { AppCache } from "../../../src/agent/app-cache.ts";
import type { AppSource } from "../../../src/agent/ports.ts";
import type { Change } from "../../../src/protocol/message.ts";

interface TestApp {
  readonly id: string;
  readonly key: string;
  readonly version: number;
}

/** A table whose reads are answered by hand, so that a test decides what overlaps what. */
class HeldTable implements AppSource<TestApp> {
  readonly apps = new Map<string, TestApp>();
  /** What the index says; it may lag. */
  readonly index = new Map<string, string>();
  readonly pending: { name: string; answer: () => void; fail: (error: Error) => void }[] = [];
  held = false;

  put(app: TestApp): void {
    this.apps.set(app.id, app);
    this.index.set(app.key, app.id);
  }

  loadById(id: string): Promise<TestApp | undefined> {
    return this.#read(`id ${id}`, () => this.apps.get(id));
  }

  resolveKey(key: string): Promise<string | undefined> {
    return this.#read(`key ${key}`, () => this.index.get(key));
  }

  /** The value is taken when the read is made, and arrives when the test says so: as a slow network does. */
  #read<T>(name: string, value: () => T): Promise<T> {
    if (!this.held) return Promise.resolve(value());
    const taken = value();
    return new Promise((resolve, reject) => {
      this.pending.push({
        name,
        answer: () => {
          resolve(taken);
        },
        fail: reject,
      });
    });
  }

  release(): void {
    for (const { answer } of this.pending.splice(0)) answer();
  }
}

const v = (version: number, id = "a", key = "k"): TestApp => ({ id, key, version });

function changed(appId: string, keys: string[] = [], currentKey?: string): Change {
  const app = currentKey === undefined ? undefined : ({ id: appId, key: currentKey } as Change["app"]);
  return { appId, type: "updated", keys, changed: [], app };
}

let table: HeldTable;
let now: number;
const lease = { until: Number.POSITIVE_INFINITY, provenAt: Number.NEGATIVE_INFINITY };
let failures: string[];
let changes: string[];
let cache: AppCache<TestApp>;

beforeEach(() => {
  table = new HeldTable();
  now = 0;
  lease.until = Number.POSITIVE_INFINITY;
  lease.provenAt = Number.NEGATIVE_INFINITY;
  failures = [];
  changes = [];
  cache = new AppCache<TestApp>({
    source: table,
    clock: () => now,
    lease,
    limits: {
      degradedTtlMs: 5_000,
      maxStaleOnErrorMs: 60_000,
      loadBudgetMs: 5_000,
      missingKeyTtlMs: 1_000,
      maxEntries: 3,
    },
    isSame: (left, right) => left.key === right.key && left.version === right.version,
    onChanged: (id) => changes.push(id),
    onLoadFailed: (what, error) => failures.push(`${what}: ${(error as Error).message}`),
  });
});

/** Lets everything that can go on go on, up to the next held read. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

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
    now = 1_000;
    table.put(v(1));
    await cache.findById("a");
    await cache.findById("nobody");
    now = 1_250;
    expect(cache.inspect("a")).toEqual({ app: v(1), readMsAgo: 250, proven: true });
    expect(cache.inspect("nobody")).toEqual({ app: null, readMsAgo: 250, proven: true });
    lease.until = 0;
    now = 10_000;
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
      now += 6_000;
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
    now += 6_000;
    for (let reads = 0; reads < 3; reads += 1) {
      table.release();
      await settle();
    }
    expect(await lookup).toEqual(v(1));
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

describe("missing apps", () => {
  it("are cached by id for a minute while the lease is held, and cleared by their creation", async () => {
    expect(await cache.findById("a")).toBeNull();
    now = 60_000;
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
    now = 1_000;
    expect(await cache.findByKey("k")).toBeNull();
    now = 1_001;
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
    now = 60_000;
    const told: unknown[] = [];
    const onUnreadable = (error: unknown) => told.push(error);
    expect(await failing(cache.findById("a", onUnreadable))).toEqual(v(1));
    expect(await failing(cache.findByKey("k", onUnreadable))).toEqual(v(1));
    expect(cache.stats).toMatchObject({ staleServed: 2, loadErrors: 2 });
    expect(told).toEqual([]);
    now = 60_001;
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
    now = 10_000;
    await expect(failing(cache.lookup("a"))).rejects.toThrow("down");
  });
});

describe("a change", () => {
  it("drops the entry before it is done", async () => {
    table.put(v(1));
    await cache.findById("a");
    table.put(v(2));
    cache.apply(changed("a"));
    expect(cache.size).toBe(0);
    expect(await cache.findById("a")).toEqual(v(2));
    expect(cache.stats.drops).toBe(1);
  });

  it("leaves other apps alone", async () => {
    table.put(v(1));
    table.put(v(1, "b", "kb"));
    await cache.findById("a");
    await cache.findById("b");
    cache.apply(changed("a"));
    expect(cache.holds("a")).toBe(false);
    expect(cache.holds("b")).toBe(true);
  });

  it("makes a read that overlaps it be read again, for those who asked before as well", async () => {
    table.put(v(1));
    table.held = true;
    const before = cache.findById("a");
    table.put(v(2));
    cache.apply(changed("a"));
    const after = cache.findById("a");
    // The old read comes in last: it must neither be handed out nor kept.
    const [oldRead, newRead] = table.pending;
    newRead?.answer();
    expect(await after).toEqual(v(2));
    oldRead?.answer();
    await settle();
    table.release();
    expect(await before).toEqual(v(2));
    table.held = false;
    expect(await cache.findById("a")).toEqual(v(2));
    expect(cache.voidedReads).toBe(1);
  });

  it("makes a key being looked up be looked up again", async () => {
    table.index.set("k", "gone");
    table.held = true;
    const lookup = cache.findByKey("k");
    table.put(v(1));
    cache.apply(changed("a", ["k"]));
    table.held = false;
    table.release();
    expect(await lookup).toEqual(v(1));
  });

  it("teaches the key, so that a lagging index is not asked", async () => {
    table.apps.set("a", v(1));
    cache.apply(changed("a", ["k"], "k"));
    expect(await cache.findByKey("k")).toEqual(v(1));
    expect(cache.indexQueries).toBe(0);
  });

  it("of the key: the new one finds the app, the old one nothing", async () => {
    table.put(v(1, "a", "old"));
    await cache.findByKey("old");
    table.apps.set("a", v(2, "a", "new"));
    // The index still says old -> a, and knows nothing of new.
    cache.apply(changed("a", ["new", "old"], "new"));
    expect(await cache.findByKey("new")).toEqual(v(2, "a", "new"));
    expect(await cache.findByKey("old")).toBeNull();
  });

  it.each([
    ["the giver's first", [0, 1]],
    ["the taker's first", [1, 0]],
  ])("a key that moves to another app is found there, with the message of %s", async (_, order) => {
    table.put(v(1, "a", "k"));
    table.put(v(1, "b", "kb"));
    await cache.findByKey("k");
    table.apps.set("a", v(2, "a", "ka"));
    table.apps.set("b", v(2, "b", "k"));
    const messages = [changed("a", ["ka", "k"], "ka"), changed("b", ["k", "kb"], "k")];
    for (const i of order) cache.apply(messages[i] as Change);
    expect(await cache.findByKey("k")).toEqual(v(2, "b", "k"));
    expect(await cache.findByKey("ka")).toEqual(v(2, "a", "ka"));
    expect(await cache.findByKey("kb")).toBeNull();
  });
});

describe("a flush", () => {
  it("has everything read again before it is served, and voids what is being read", async () => {
    table.put(v(1));
    table.put(v(1, "b", "kb"));
    await cache.findByKey("kb");
    table.held = true;
    const lookup = cache.findById("a");
    table.put(v(2));
    table.put(v(2, "b", "kb"));
    cache.flush();
    expect(cache.inspect("b")).toMatchObject({ app: v(1, "b", "kb"), proven: false });
    table.held = false;
    table.release();
    expect(await lookup).toEqual(v(2));
    expect(await cache.findByKey("kb")).toEqual(v(2, "b", "kb"));
    expect(cache.stats.drops).toBe(0);
  });

  it("leaves a lookup by a new key to the index: the key that is known may be another app's by now", async () => {
    table.put(v(1));
    await cache.findByKey("k");
    table.put(v(2, "a", "k2"));
    table.put(v(1, "b", "k"));
    cache.flush();
    expect(await cache.findByKey("k")).toEqual(v(1, "b", "k"));
    expect(await cache.findByKey("k2")).toEqual(v(2, "a", "k2"));
  });

  it("serves what was doubted while the table cannot be read, up to its limit since it was proven", async () => {
    table.put(v(1));
    await cache.findByKey("k");
    lease.provenAt = now = 100_000;
    cache.flush();
    // What a later lease proves, it proves of what is read then.
    lease.provenAt = 300_000;
    table.held = true;
    now = 160_000;
    const served = cache.findByKey("k");
    table.pending.pop()?.fail(new Error("throttled"));
    expect(await served).toEqual(v(1));
    now = 160_001;
    const refused = cache.findByKey("k");
    table.pending.pop()?.fail(new Error("throttled"));
    expect(await refused).toBeNull();
  });

  it("forgets that an app is missing: it may be there by now", async () => {
    expect(await cache.findById("a")).toBeNull();
    table.put(v(1));
    expect(await cache.findById("a")).toBeNull();
    cache.flush();
    expect(await cache.findById("a")).toEqual(v(1));
  });

  it("does not bring back what a message named", async () => {
    table.put(v(1));
    await cache.findById("a");
    cache.apply(changed("a"));
    cache.flush();
    table.held = true;
    const asked = cache.findById("a");
    table.pending.pop()?.fail(new Error("throttled"));
    expect(await asked).toBeNull();
  });

  it("tells of an app that is another by now, and keeps the object of one that is not", async () => {
    table.put(v(1));
    const first = await cache.findById("a");
    table.put({ ...v(1) });
    cache.flush();
    expect(await cache.findById("a")).toBe(first);
    expect(changes).toEqual([]);
    table.put(v(2));
    cache.flush();
    await cache.findById("a");
    expect(changes).toEqual(["a"]);
  });
});

describe("without a lease", () => {
  it("serves an entry until it is as old as the degraded TTL, and then reads again", async () => {
    table.put(v(1));
    await cache.findByKey("k");
    lease.until = 0;
    table.put(v(2));
    now = 5_000;
    expect(await cache.findByKey("k")).toEqual(v(1));
    now = 5_001;
    expect(await cache.findByKey("k")).toEqual(v(2));
    expect(cache.stats.loads).toBe(2);
  });

  it("tells of an app that a new read found changed, and keeps the object of one that it did not", async () => {
    table.put(v(1));
    const first = await cache.findById("a");
    lease.until = 0;
    now = 6_000;
    table.put(v(1));
    expect(await cache.findById("a")).toBe(first);
    expect(changes).toEqual([]);
    now = 12_000;
    table.put(v(2));
    expect(await cache.findById("a")).toEqual(v(2));
    now = 18_000;
    table.apps.delete("a");
    expect(await cache.findById("a")).toBeNull();
    expect(changes).toEqual(["a", "a"]);
  });

  it("counts the age from when the read was sent, not from when it came back", async () => {
    table.put(v(1));
    table.held = true;
    const lookup = cache.findById("a");
    now = 4_000;
    table.release();
    await lookup;
    lease.until = 0;
    table.held = false;
    table.put(v(2));
    now = 5_001;
    expect(await cache.findById("a")).toEqual(v(2));
  });

  it("serves any entry for as long as the lease is held", async () => {
    table.put(v(1));
    await cache.findById("a");
    lease.until = 1_000_000;
    now = 999_999;
    await cache.findById("a");
    expect(cache.stats.loads).toBe(1);
    now = 1_000_000;
    await cache.findById("a");
    expect(cache.stats.loads).toBe(2);
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
    now = 6_000;
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
    now = 1_000_000;
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
    now += 1_000_000;

    const told: unknown[] = [];
    const first = cache.findById("a", (error) => told.push(error));
    for (let read = 1; read <= 150; read += 1) {
      now += everyMs;
      cache.drop("a");
      // Others keep asking: that must not make the first one's wait begin anew.
      void cache.findById("a");
      table.pending.shift()?.answer();
      await settle();
    }
    expect(await first).toBeNull();
    expect(told).toEqual([new Error(`changed during each of ${reads} reads of it, in ${waitedMs} ms`)]);
    table.held = false;
    table.release();
    await settle();
    expect(await cache.findById("a")).toEqual(v(1));
  });

  it("a pause as long as the budget is no reason to give up", async () => {
    table.put(v(1));
    table.held = true;
    const asked = cache.findById("a");
    now += 60_000;
    cache.flush();
    table.held = false;
    table.release();
    expect(await asked).toEqual(v(1));
  });

  it("an answer that took just the budget is taken, and one that took longer is not", async () => {
    table.put(v(1));
    lease.until = 0;
    table.held = true;
    const asked = cache.findById("a");
    now = 5_000;
    table.release();
    expect(await asked).toEqual(v(1));
    expect(cache.stats.loads).toBe(1);
  });

  it("an entry counts from when it was read, wherever the clock stands", async () => {
    table.put(v(1));
    lease.until = 0;
    now = 1_000_000;
    await cache.findById("a");
    now += 5_000;
    await cache.findById("a");
    expect(cache.stats.loads).toBe(1);
    table.held = true;
    now += 60_000 - 5_000;
    const served = cache.findById("a");
    table.pending.splice(0)[0]?.fail(new Error("down"));
    expect(await served).toEqual(v(1));
    now += 1;
    const refused = cache.findById("a");
    table.pending.splice(0)[0]?.fail(new Error("down"));
    expect(await refused).toBeNull();
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

describe("flushes that come faster than a read takes", () => {
  it("have whoever asked wait until they end, and then be told what the table says", async () => {
    table.put(v(1));
    table.held = true;
    const asked = cache.findById("a");
    for (let i = 0; i < 50; i += 1) {
      cache.flush();
      table.release();
      await new Promise((resolve) => setImmediate(resolve));
      table.put(v(2 + i));
    }
    // The read that is under way was made before the last write.
    cache.flush();
    table.held = false;
    table.release();
    expect(await asked).toEqual(v(51));
    expect(cache.stats.loads).toBe(52);
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
      now += 4_000;
      table.release();
      await vi.advanceTimersByTimeAsync(1_099);
      expect(table.pending.map(({ name }) => name)).toEqual(["id a"]);
      expect(answers).toEqual([]);
      await vi.advanceTimersByTimeAsync(2);
      expect(answers).toEqual([null]);
      expect(told).toEqual([
        new Error("expected its key and then the app from DynamoDB in time, found no answer"),
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
      now += 60_000 + 5_001;
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

describe("what strangers ask for", () => {
  it("leaves memory in time, also when nobody asks any more", async () => {
    for (let i = 0; i < 100; i += 1) {
      await cache.findById(`made-up-${i}`);
      await cache.findByKey(`made-up-${i}`);
    }
    expect(cache.missing).toBe(200);
    now += 1_001;
    cache.sweep();
    expect(cache.missing).toBe(100);
    now += 59_000;
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
