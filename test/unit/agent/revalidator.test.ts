import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ReadPace } from "../../../src/agent/read-pace.ts";
import { Revalidator } from "../../../src/agent/revalidator.ts";

let inUse: string[];
let isLeaseHeld: boolean;
/** `app @ms`, with `!` when it must be read although it may be cached. */
let reads: { appId: string; at: number; mustRead: boolean }[];
/** What a read of an app comes to; at once, and well, when it is not here. */
let outcomes: Map<string, () => Promise<void>>;
let begunAt: number;
let pace: ReadPace;
let revalidator: Revalidator;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  inUse = [];
  isLeaseHeld = true;
  reads = [];
  outcomes = new Map();
  begunAt = performance.now();
  const clock = () => performance.now();
  pace = new ReadPace({ clock, perSecond: 100, fleetPerSecond: 2_000 });
  revalidator = new Revalidator({
    clock,
    pace,
    appsInUse: () => inUse,
    isLeaseHeld: () => isLeaseHeld,
    roundEveryMs: 5_000,
    revalidate: (appId, mustRead) => {
      reads.push({ appId, at: performance.now() - begunAt, mustRead });
      return outcomes.get(appId)?.() ?? Promise.resolve();
    },
  });
  revalidator.start();
});

afterEach(() => {
  revalidator.stop();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const apps = (count: number, prefix = "app-") => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const names = () => reads.map(({ appId }) => appId);
const timesOf = (appId: string) => reads.filter((read) => read.appId === appId).map(({ at }) => at);
const fails = () => Promise.reject(new Error("down"));
const hangs = () => new Promise<void>(() => undefined);

describe("an app that a message named", () => {
  it("is read at once, connections or not", async () => {
    revalidator.named("a");
    await pass(0);
    expect(reads).toEqual([{ appId: "a", at: 0, mustRead: false }]);
  });

  it("does not wait for others that cannot be read: neither for those that fail, nor for those that hang", async () => {
    for (const appId of apps(200, "bad-")) outcomes.set(appId, Number(appId.slice(4)) % 2 ? fails : hangs);
    inUse = apps(200, "bad-");
    revalidator.doubtAll();
    await pass(10_000);
    reads = [];
    begunAt = performance.now();
    revalidator.named("healthy");
    await pass(20);
    expect(timesOf("healthy")).toHaveLength(1);
  });

  it("of a bulk write waits for a place among a thousand a second", async () => {
    for (const appId of apps(100)) revalidator.named(appId);
    await pass(0);
    expect(reads.length).toBeLessThanOrEqual(20);
    await pass(100);
    expect(new Set(names()).size).toBe(100);
  });

  it("is not read twice at once", async () => {
    outcomes.set("a", hangs);
    revalidator.named("a");
    await pass(100);
    revalidator.named("a");
    await pass(100);
    expect(names()).toEqual(["a"]);
  });
});

describe("after a flush", () => {
  it("apps in use are read again at the pace, each once", async () => {
    inUse = apps(300);
    revalidator.doubtAll();
    await pass(1_000);
    expect(reads.length).toBeGreaterThan(90);
    expect(reads.length).toBeLessThanOrEqual(111);
    await pass(2_200);
    expect(names().sort()).toEqual(apps(300).sort());
    expect(reads.every(({ mustRead }) => !mustRead)).toBe(true);
  });

  it("each node begins with another, so that they do not all read the same ones first", () => {
    inUse = apps(4);
    vi.mocked(Math.random).mockReturnValue(0.5);
    revalidator.doubtAll();
    expect(names()[0]).toBe("app-2");
  });

  it("and another flush, none is read more often than the pace allows", async () => {
    inUse = apps(50);
    for (let i = 0; i < 10; i += 1) {
      revalidator.doubtAll();
      await pass(100);
    }
    await pass(1_000);
    expect(reads.length).toBeLessThanOrEqual(211);
  });
});

describe("a fleet that flushes at once", () => {
  const NODES = 40;
  let fleet: { pace: ReadPace; node: Revalidator }[];
  let readAt: number[];

  beforeEach(() => {
    inUse = apps(1_000);
    readAt = [];
    fleet = Array.from({ length: NODES }, () => {
      const clock = () => performance.now();
      const ownPace = new ReadPace({ clock, perSecond: 100, fleetPerSecond: 2_000 });
      ownPace.fleetHas(NODES);
      const node = new Revalidator({
        clock,
        pace: ownPace,
        appsInUse: () => inUse,
        isLeaseHeld: () => true,
        roundEveryMs: 5_000,
        revalidate: (appId) => {
          readAt.push(performance.now() - begunAt);
          return outcomes.get(appId)?.() ?? Promise.resolve();
        },
      });
      node.start();
      return { pace: ownPace, node };
    });
    begunAt = performance.now();
    for (const { node } of fleet) node.doubtAll();
  });

  afterEach(() => {
    for (const { node } of fleet) node.stop();
  });

  const readsIn = (from: number, to: number) => readAt.filter((at) => at >= from && at < to).length;

  it("reads no more than the fleet may, second by second, until each node has read all", async () => {
    await pass(22_000);
    for (let second = 0; second < 21; second += 1) {
      expect(readsIn(second * 1_000, (second + 1) * 1_000)).toBeLessThanOrEqual(2_000 + NODES * 10);
    }
    expect(readAt).toHaveLength(NODES * 1_000);
  });

  it("reads a tenth of that while DynamoDB throttles", async () => {
    const throttled = Object.assign(new Error("too fast"), { name: "ThrottlingException" });
    for (const appId of inUse) outcomes.set(appId, () => Promise.reject(throttled));
    await pass(12_000);
    expect(readsIn(10_000, 12_000)).toBeLessThanOrEqual(2 * (200 + NODES * 10));
    expect(fleet.map(({ pace: { perSecond } }) => perSecond)).toEqual(Array.from({ length: NODES }, () => 5));
  });
});

describe("without a lease", () => {
  it.each([
    [1_000, 10_000],
    [1_050, 10_500],
    [730, 7_300],
    [40, 6_000],
  ])("%i apps are all read within %i ms, again and again", async (count, boundMs) => {
    inUse = apps(count);
    isLeaseHeld = false;
    await pass(36_000);
    const gaps = inUse.flatMap((appId) => {
      const times = timesOf(appId);
      return times.slice(1).map((time, i) => time - (times[i] ?? 0));
    });
    expect(timesOf(`app-${count - 1}`).length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(boundMs + 100);
    expect(revalidator.boundMs).toBe(boundMs);
    expect(revalidator.appsInUse).toBe(count);
    expect(reads.every(({ mustRead }) => mustRead)).toBe(true);
  });

  it("few are read no more often than every few seconds", async () => {
    inUse = apps(3);
    isLeaseHeld = false;
    await pass(20_500);
    expect(timesOf("app-0")).toEqual([1_000, 6_000, 11_000, 16_000]);
    expect(revalidator.boundMs).toBe(6_000);
  });

  it("all begin anew only when the reads after a flush are done", async () => {
    inUse = apps(300);
    revalidator.doubtAll();
    isLeaseHeld = false;
    await pass(6_000);
    // Each once because of the flush, and then past the cache.
    expect(names().slice(0, 300).sort()).toEqual(apps(300).sort());
    expect(reads.slice(0, 300).some(({ mustRead }) => mustRead)).toBe(false);
    expect(reads[300]?.mustRead).toBe(true);
  });

  it("with one again, what is left of the round need not be read if it is cached", async () => {
    inUse = apps(500);
    isLeaseHeld = false;
    await pass(2_000);
    isLeaseHeld = true;
    reads = [];
    await pass(10_000);
    expect(reads.length).toBeGreaterThan(300);
    expect(reads.some(({ mustRead }) => mustRead)).toBe(false);
  });

  it("a larger fleet takes longer, and says so", async () => {
    inUse = apps(100);
    pace.fleetHas(200);
    isLeaseHeld = false;
    await pass(1_000);
    expect(revalidator.boundMs).toBe(10_000);
  });
});

describe("an app that could not be read", () => {
  it("is tried again a second later, for as long as it has connections", async () => {
    inUse = ["a"];
    outcomes.set("a", fails);
    revalidator.named("a");
    await pass(3_500);
    expect(timesOf("a").length).toBeGreaterThanOrEqual(3);
    const [first = 0, second = 0] = timesOf("a");
    expect(second - first).toBeGreaterThanOrEqual(1_000);
    inUse = [];
    reads = [];
    await pass(5_000);
    expect(reads).toEqual([]);
  });

  it("is not put off when it is found unreadable again and again, and may then come from the cache", async () => {
    inUse = ["a"];
    isLeaseHeld = false;
    outcomes.set("a", fails);
    await pass(1_000);
    for (let i = 0; i < 4; i += 1) {
      revalidator.retryLater("a");
      await pass(250);
    }
    expect(reads).toEqual([
      { appId: "a", at: 1_000, mustRead: true },
      { appId: "a", at: 2_000, mustRead: false },
    ]);
  });

  it("does not put off those that can be: 200 unreadable ones, one healthy", async () => {
    const bad = apps(200, "bad-");
    for (const appId of bad) outcomes.set(appId, hangs);
    inUse = [...bad, "healthy"];
    revalidator.doubtAll();
    await pass(2_500);
    expect(timesOf("healthy")).toHaveLength(1);
  });

  it("slows the pace down at once where DynamoDB says that this is too fast, and for nothing else", async () => {
    outcomes.set("a", fails);
    revalidator.named("a");
    await pass(0);
    expect(pace.perSecond).toBe(100);
    outcomes.set("b", () =>
      Promise.reject(Object.assign(new Error("too fast"), { name: "ThrottlingException" })),
    );
    revalidator.named("b");
    await pass(20);
    expect(pace.perSecond).toBe(50);
  });

  it("slows the pace down", async () => {
    inUse = apps(1_000);
    for (const appId of inUse) outcomes.set(appId, fails);
    revalidator.doubtAll();
    await pass(8_000);
    expect(pace.perSecond).toBe(10);
    expect(reads.length).toBeLessThan(400);
  });
});

it("after a stop nothing is read", async () => {
  inUse = apps(100);
  revalidator.doubtAll();
  revalidator.retryLater("app-1");
  revalidator.stop();
  reads = [];
  revalidator.named("a");
  revalidator.retryLater("b");
  isLeaseHeld = false;
  await pass(20_000);
  expect(reads).toEqual([]);
});
