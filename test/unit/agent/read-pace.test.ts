import { beforeEach, describe, expect, it } from "vitest";
import { ReadPace } from "../../../src/agent/read-pace.ts";

let now: number;
let pace: ReadPace;

beforeEach(() => {
  now = 1_000_000;
  pace = new ReadPace({ clock: () => now, perSecond: 100, fleetPerSecond: 2_000 });
});

/** How many reads may begin in so many milliseconds, asked for each millisecond. */
function readsIn(ms: number): number {
  let reads = 0;
  for (let i = 0; i < ms; i += 1) {
    now += 1;
    reads += pace.take(1_000);
  }
  return reads;
}

/** One second in which all reads come to this. */
function second(isGood: boolean): void {
  now += 1_000;
  for (let i = 0; i < 10; i += 1) pace.finished(isGood);
}

describe("the pace of reads", () => {
  it("is a node's own while the fleet is small, and evenly spread", () => {
    expect(pace.take(1_000)).toBe(1);
    expect(Math.abs(readsIn(1_000) - 100)).toBeLessThanOrEqual(1);
    // What was not used is saved for a moment, and no longer.
    now += 60_000;
    expect(pace.take(1_000)).toBe(10);
  });

  it("gives no more than is wanted, and keeps the rest", () => {
    now += 1_000;
    expect(pace.take(3)).toBe(3);
    expect(pace.take(0)).toBe(0);
    expect(pace.take(1_000)).toBe(7);
  });

  it.each([
    [1, 100],
    [20, 100],
    [21, 2_000 / 21],
    [200, 10],
    [0, 100],
  ])("of %d nodes is %d a second", (nodes, perSecond) => {
    pace.fleetHas(nodes);
    expect(pace.perSecond).toBeCloseTo(perSecond);
  });

  it("is that of the largest fleet of the last minute: an emptied registry says that this node is alone", () => {
    pace.fleetHas(200);
    now += 60_000;
    pace.fleetHas(1);
    expect(pace.perSecond).toBe(10);
    pace.fleetHas(400);
    expect(pace.perSecond).toBe(5);
    now += 60_001;
    pace.fleetHas(100);
    expect(pace.perSecond).toBe(20);
  });

  it("is the last known one for as long as nothing else is known", () => {
    pace.fleetHas(200);
    now += 3_600_000;
    expect(pace.perSecond).toBe(10);
  });
});

describe("while the table throttles", () => {
  it("is halved each second, down to a tenth", () => {
    const seen = Array.from({ length: 5 }, () => {
      second(false);
      return pace.perSecond;
    });
    expect(seen).toEqual([100, 50, 25, 12.5, 10]);
    expect(pace.fullPerSecond).toBe(100);
  });

  it("comes back in steps when reads go well", () => {
    for (let i = 0; i < 6; i += 1) second(false);
    second(true);
    const seen = Array.from({ length: 3 }, () => {
      second(true);
      return Math.round(pace.perSecond);
    });
    expect(seen).toEqual([20, 30, 40]);
    now += 60_000;
    pace.finished(true);
    expect(pace.perSecond).toBe(100);
  });

  it("is not slower for a few that fail among many", () => {
    now += 1_000;
    for (let i = 0; i < 60; i += 1) pace.finished(i % 3 > 0);
    now += 1_000;
    pace.finished(true);
    expect(pace.perSecond).toBe(100);
  });

  it("goes down at once when DynamoDB says so, and once for many that say so together", () => {
    for (let i = 0; i < 50; i += 1) pace.throttled();
    expect(pace.perSecond).toBe(50);
    now += 1_000;
    pace.throttled();
    expect(pace.perSecond).toBe(25);
    // The second it was said in is not one that went well.
    now += 999;
    pace.finished(true);
    expect(pace.perSecond).toBe(25);
    now += 1;
    pace.finished(true);
    expect(pace.perSecond).toBeCloseTo(35);
  });
});
