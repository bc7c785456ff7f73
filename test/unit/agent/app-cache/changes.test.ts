import { beforeEach, describe, expect, it } from "vitest";
import type { Change } from "../../../../src/protocol/message.ts";
import { cache, changed, changes, clock, freshCache, lease, settle, table, v } from "./held-table.ts";

beforeEach(freshCache);

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

  it("tells of what the read that it voids has found: open connections may be further behind", async () => {
    table.put(v(1));
    table.held = true;
    const asked = cache.findById("a");
    cache.apply(changed("a"));
    table.release();
    await settle();
    expect(changes).toEqual(["a"]);
    table.release();
    expect(await asked).toEqual(v(1));
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

  it.each([
    ["for good, when the app is in use", true, 0],
    ["for good, when it was asked for and not there", false, 0],
    ["for a minute, when nobody has asked for the app", undefined, 1],
  ])("teaches the key %s", async (_, isThere, queries) => {
    if (isThere === true) table.apps.set("a", v(1));
    if (isThere !== undefined) await cache.findById("a");
    table.apps.set("a", v(2));
    cache.apply(changed("a", ["k"], "k"));
    clock.now += 60_001;
    cache.sweep();
    await cache.findByKey("k");
    expect(cache.indexQueries).toBe(queries);
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

/** A message gives the key to an app while the table holds its answers back; then it gives them. */
async function expectGiven(asked: ReturnType<typeof cache.findByKey>): Promise<void> {
  table.apps.set("a", v(1));
  cache.apply(changed("a", ["k"], "k"));
  table.held = false;
  table.release();
  expect(await asked).toEqual(v(1));
}

describe("a key that a message gives to an app while a client waits for it", () => {
  it.each([
    ["knows nothing of it", undefined],
    ["still has it as a former app's", "former"],
  ])("is that app's, when the index %s", async (_, indexed) => {
    if (indexed !== undefined) table.index.set("k", indexed);
    table.held = true;
    const asked = cache.findByKey("k");
    await expectGiven(asked);
  });

  it("is that app's, when the former one is being read", async () => {
    table.put(v(1, "former", "k"));
    table.held = true;
    const asked = cache.findByKey("k");
    table.release();
    await settle();
    expect(table.pending.map(({ name }) => name)).toEqual(["id former"]);
    table.apps.delete("former");
    table.apps.set("a", v(1));
    cache.apply({ ...changed("former", ["k"]), type: "deleted" });
    cache.apply({ ...changed("a", ["k"], "k"), type: "created" });
    table.held = false;
    table.release();
    expect(await asked).toEqual(v(1));
    expect(cache.indexQueries).toBe(1);
  });

  it("is that app's, when it was known as that of one that has another by now", async () => {
    table.put(v(1, "former", "k"));
    await cache.findByKey("k");
    table.apps.set("former", v(2, "former", "k2"));
    cache.drop("former");
    table.held = true;
    const asked = cache.findByKey("k");
    await expectGiven(asked);
    expect(cache.indexQueries).toBe(1);
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
    lease.provenAt = clock.now = 100_000;
    cache.flush();
    // What a later lease proves, it proves of what is read then.
    lease.provenAt = 300_000;
    table.held = true;
    clock.now = 160_000;
    const served = cache.findByKey("k");
    table.pending.pop()?.fail(new Error("throttled"));
    expect(await served).toEqual(v(1));
    clock.now = 160_001;
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
