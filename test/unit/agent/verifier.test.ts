import { beforeEach, describe, expect, it } from "vitest";
import { AppCache } from "../../../src/agent/app-cache.ts";
import { Verifier } from "../../../src/agent/verifier.ts";

interface TestApp {
  readonly id: string;
  readonly key: string;
  readonly version: number;
}

let table: Map<string, TestApp>;
let now: number;
let events: string[];
let reads: string[];
let onRead: () => void;
let cache: AppCache<TestApp>;
let verifier: Verifier<TestApp>;
let leaseHeld: boolean;

beforeEach(() => {
  table = new Map();
  now = 0;
  leaseHeld = true;
  events = [];
  reads = [];
  onRead = () => undefined;
  cache = new AppCache<TestApp>({
    source: {
      loadById: (id) => Promise.resolve(table.get(id)),
      resolveKey: () => Promise.resolve(undefined),
    },
    clock: () => now,
    lease: { until: Number.POSITIVE_INFINITY, provenAt: 0 },
    limits: {
      degradedTtlMs: 0,
      maxStaleOnErrorMs: 0,
      loadBudgetMs: 5_000,
      missingKeyTtlMs: 0,
      maxEntries: 100,
    },
    isSame: (left, right) => left.version === right.version,
    onChanged: () => undefined,
    onLoadFailed: () => undefined,
  });
  verifier = new Verifier<TestApp>({
    cache,
    read: (appId) => {
      reads.push(appId);
      onRead();
      return Promise.resolve(table.get(appId));
    },
    isSame: (left, right) => left.version === right.version,
    clock: () => now,
    graceMs: 30_000,
    leaseHeld: () => leaseHeld,
    onDifference: (appId) => events.push(`difference ${appId}`),
    onStale: (appId) => events.push(`stale ${appId}`),
  });
});

async function cached(id: string, version = 1): Promise<void> {
  table.set(id, { id, key: `k-${id}`, version });
  await cache.findById(id);
}

describe("the verifier", () => {
  it("does nothing while nothing is cached", async () => {
    await verifier.step();
    expect(reads).toEqual([]);
    expect(verifier.verified).toBe(0);
  });

  it("gives every entry its turn, the longest read first", async () => {
    for (const id of ["a", "b", "c"]) await cached(id);
    for (let i = 0; i < 6; i += 1) await verifier.step();
    expect(reads).toEqual(["a", "b", "c", "a", "b", "c"]);
    expect(verifier.verified).toBe(6);
    expect(events).toEqual([]);
  });

  it.each([
    ["differs", () => table.set("a", { id: "a", key: "k-a", version: 2 })],
    ["is gone", () => table.delete("a")],
  ])(
    "drops an entry at once when the app in the table %s, and calls it stale after the grace",
    async (_, change) => {
      await cached("a");
      change();
      await verifier.step();
      expect(cache.peek("a")).toBeUndefined();
      expect(events).toEqual(["difference a"]);
      now = 29_999;
      await verifier.step();
      expect(verifier.stale).toBe(0);
      now = 30_000;
      await verifier.step();
      expect(events).toEqual(["difference a", "stale a"]);
      expect(verifier.stale).toBe(1);
    },
  );

  it("does not count what a message explains later", async () => {
    await cached("a");
    table.set("a", { id: "a", key: "k-a", version: 2 });
    await verifier.step();
    verifier.explained("a");
    now = 60_000;
    await verifier.step();
    expect(verifier.stale).toBe(0);
  });

  it("does not count, while there is no lease, what a message explains once there is one again", async () => {
    await cached("a");
    leaseHeld = false;
    table.set("a", { id: "a", key: "k-a", version: 2 });
    for (now = 0; now <= 60_000; now += 10_000) await verifier.step();
    expect(events).toEqual(["difference a"]);
    leaseHeld = true;
    // The last step without one was at 60,000.
    now = 89_999;
    await verifier.step();
    expect(verifier.stale).toBe(0);
    now = 90_000;
    await verifier.step();
    expect(events).toEqual(["difference a", "stale a"]);
  });

  it("does not count what a flush explains", async () => {
    await cached("a");
    table.delete("a");
    await verifier.step();
    verifier.explainedAll();
    now = 60_000;
    await verifier.step();
    expect(verifier.stale).toBe(0);
  });

  it("says nothing of an entry that was dropped while it was read", async () => {
    await cached("a");
    onRead = () => {
      table.set("a", { id: "a", key: "k-a", version: 2 });
      cache.drop("a");
    };
    await verifier.step();
    expect(events).toEqual([]);
    expect(verifier.verified).toBe(0);
  });
});
