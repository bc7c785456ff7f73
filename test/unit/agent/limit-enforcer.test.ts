import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_CLOSE_CODES } from "../../../src/agent/close-causes.ts";
import { Closer } from "../../../src/agent/closer.ts";
import { LimitEnforcer } from "../../../src/agent/limit-enforcer.ts";

interface TestApp {
  readonly limit: number;
}

/** Ids of the connections, the oldest first. */
let open: string[];
let counts: number;
let broken: boolean;
let told: string[];
let closer: Closer;
let enforcer: LimitEnforcer<TestApp>;

beforeEach(() => {
  vi.useFakeTimers();
  open = ["1", "2", "3", "4", "5"];
  counts = 0;
  broken = false;
  told = [];
  closer = new Closer({
    clock: () => performance.now(),
    closesPerSecond: 1_000,
    onClosed: () => undefined,
  });
  enforcer = new LimitEnforcer<TestApp>({
    limits: {
      surplus: (_appId, app) => {
        counts += 1;
        return broken
          ? Promise.reject(new Error("no answer"))
          : Promise.resolve(Math.max(0, open.length - app.limit));
      },
      newest: (_appId, count) =>
        open.slice(open.length - count).map((id) => ({
          id,
          key: "k",
          has: () => true,
          hasSecretOf: () => true,
          replace: () => undefined,
          close: (code: number, message: string) => {
            open = open.filter((one) => one !== id);
            told.push(`${id} ${code} ${message}`);
          },
        })),
    },
    closer,
    closeCodes: { ...DEFAULT_CLOSE_CODES, "over-limit": 4199 },
  });
});

afterEach(() => {
  enforcer.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a lowered limit", () => {
  it("closes the newest that are too many, with the code that is set", async () => {
    enforcer.check("a", { limit: 3 });
    await pass(100);
    expect(open).toEqual(["1", "2", "3"]);
    expect(told.sort()).toEqual(
      ["4", "5"].map((id) => `${id} 4199 The current concurrent connections quota has been reached.`),
    );
  });

  it("is counted again until there are no longer too many, and then not any more", async () => {
    enforcer.check("a", { limit: 3 });
    await pass(500);
    open.push("6");
    await pass(1_000);
    expect(open).toEqual(["1", "2", "3"]);
    await pass(10_000);
    open.push("7");
    const counted = counts;
    await pass(10_000);
    expect([open.length, counts]).toEqual([4, counted]);
  });

  it("closes a thousand between two counts, and then the rest", async () => {
    open = Array.from({ length: 1_500 }, (_, i) => `${i}`);
    enforcer.check("a", { limit: 3 });
    await pass(0);
    expect(closer.waiting).toBeGreaterThan(900);
    expect(closer.waiting).toBeLessThanOrEqual(1_000);
    await pass(5_000);
    expect(open).toEqual(["0", "1", "2"]);
  });

  it("is counted again when the other nodes could not be asked", async () => {
    broken = true;
    enforcer.check("a", { limit: 3 });
    await pass(2_500);
    expect(open).toHaveLength(5);
    broken = false;
    await pass(1_000);
    expect(open).toHaveLength(3);
  });

  it("that is raised again meanwhile closes no more, and one lowered further does", async () => {
    broken = true;
    enforcer.check("a", { limit: 1 });
    await pass(10);
    broken = false;
    enforcer.check("a", { limit: 4 });
    await pass(2_000);
    expect(open).toHaveLength(4);
    enforcer.check("a", { limit: 2 });
    await pass(2_000);
    expect(open).toHaveLength(2);
  });

  it("that changes while connections are counted is enforced as it is now, not as it was counted", async () => {
    enforcer.check("a", { limit: 5 });
    enforcer.check("a", { limit: 3 });
    await pass(100);
    expect(open).toHaveLength(3);
  });

  it("is counted once a second, however often the app changes", async () => {
    broken = true;
    for (let i = 0; i < 5; i += 1) enforcer.check("a", { limit: 3 });
    await pass(0);
    counts = 0;
    await pass(3_000);
    expect(counts).toBe(3);
  });

  it.each([
    ["is gone", () => enforcer.check("a", null)],
    ["is stopped", () => enforcer.stop()],
  ])("is not seen to when the app %s", async (_what, end) => {
    broken = true;
    enforcer.check("a", { limit: 1 });
    await pass(10);
    const counted = counts;
    end();
    broken = false;
    await pass(5_000);
    expect([open.length, counts]).toEqual([5, counted]);
  });
});

describe("a fleet of 20 nodes with a connection on each", () => {
  const NODES = 20;

  /** How many are left, with a limit of so many in the fleet. */
  async function leftOf(limit: number): Promise<number> {
    const fleet = new Set(Array.from({ length: NODES }, (_, i) => i));
    const nodes = [...fleet].map((node) => {
      const clock = () => performance.now();
      const ownCloser = new Closer({ clock, closesPerSecond: 1_000, onClosed: () => undefined });
      return new LimitEnforcer<TestApp>({
        limits: {
          // All count before any has closed one.
          surplus: () => Promise.resolve(fleet.has(node) ? Math.max(0, fleet.size - limit) / fleet.size : 0),
          newest: (_appId, count) =>
            Array.from({ length: count }, () => ({
              id: `${node}`,
              key: "k",
              has: () => true,
              hasSecretOf: () => true,
              replace: () => undefined,
              close: () => fleet.delete(node),
            })),
        },
        closer: ownCloser,
        closeCodes: DEFAULT_CLOSE_CODES,
      });
    });
    for (const node of nodes) node.check("a", { limit });
    await pass(120_000);
    for (const node of nodes) node.stop();
    return fleet.size;
  }

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("closes about as many as are too many, and not one on each node", async () => {
    // The fractional parts of a multiple of the golden ratio are spread evenly.
    let drawn = 0;
    vi.spyOn(Math, "random").mockImplementation(() => ((drawn += 1) * 0.618_033_988_75) % 1);
    for (const limit of [19, 15, 10, 3]) {
      const left = await leftOf(limit);
      expect(left).toBeLessThanOrEqual(limit);
      expect(left).toBeGreaterThanOrEqual(limit - 2);
    }
  });
});
