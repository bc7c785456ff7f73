import { describe, expect, it } from "vitest";
import { checkCanary } from "../../../src/cli/doctor/canary.ts";
import type { CanaryResult } from "../../../src/protocol/canary.ts";
import { canaryResult } from "../../factories/canary-result.ts";

const NOW = 1_764_000_000_000;
const WELL = canaryResult({ at: NOW - 20_000 });
const check = (canary?: Partial<CanaryResult>, measured?: Partial<CanaryResult>, hasSharedCache = false) => {
  const of = (more?: Partial<CanaryResult>) => more && { ...WELL, ...more };
  const [found, ...rest] = checkCanary({ canary: of(canary), measured: of(measured) }, NOW, hasSharedCache);
  expect(rest).toEqual([]);
  return found;
};

describe("doctor on the canary", () => {
  it("shows how long the last change took", () => {
    expect(check({})).toEqual({
      name: "canary",
      level: "ok",
      found: "the last change, 20 s ago, took 310 ms to 2 nodes: write 4, stream 300, nodes 6",
    });
  });

  it.each<[string, string, Partial<CanaryResult>, RegExp]>([
    ["late", "warning", { totalMs: 2_001 }, /took 2001 ms/],
    [
      "not on a node",
      "fail",
      { totalMs: null, nodesMs: null, confirmed: 1, missing: ["h 7"] },
      /not confirmed by h 7$/,
    ],
    ["without one that left", "fail", { confirmed: 1, missing: ["h 7"] }, /not confirmed by h 7$/],
    ["not in the log", "fail", { streamMs: null, totalMs: null, confirmed: 0 }, /did not reach the log$/],
    ["without a node", "fail", { expected: 0, confirmed: 0 }, /had no registered node to confirm it$/],
    [
      "older than three runs",
      "fail",
      { at: NOW - 180_001 },
      /^it last ran 3 min ago, and is due every 1 min$/,
    ],
  ])("%s is a %s", (_, level, change, found) => {
    expect(check(change)).toMatchObject({ level, found: expect.stringMatching(found) as string });
    expect(check(change)?.advice).toMatch(/\w/);
  });

  it("is well just before the fourth run is due, and without a node on a shared cache", () => {
    expect(check({ at: NOW - 180_000 })?.level).toBe("ok");
    expect(check({ expected: 0, confirmed: 0 }, undefined, true)?.level).toBe("ok");
  });

  it("goes by what was measured by hand where there is no canary", () => {
    const byHand = { intervalMs: null, at: NOW - 3_600_000 };
    expect(check(undefined, byHand)).toMatchObject({
      level: "ok",
      found: expect.stringContaining("by hand") as string,
    });
    expect(check(undefined, { ...byHand, totalMs: 2_500 })?.level).toBe("warning");
    expect(check({}, { ...byHand, totalMs: 2_500 })?.level).toBe("ok");
  });

  it("never says well where nobody has measured", () => {
    expect(check()).toMatchObject({
      level: "skipped",
      found: expect.stringContaining("has not run within a day") as string,
    });
  });
});
