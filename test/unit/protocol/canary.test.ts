import { describe, expect, it } from "vitest";
import { decodeCanaryResult, isComplete, isInTime } from "../../../src/protocol/canary.ts";
import { canaryResult } from "../../factories/canary-result.ts";

const RESULT = canaryResult();

describe("a canary's result", () => {
  it("is read as it was written", () => {
    expect(decodeCanaryResult(JSON.stringify(RESULT))).toEqual(RESULT);
    const lost = { ...RESULT, intervalMs: null, streamMs: null, nodesMs: null, totalMs: null };
    expect(decodeCanaryResult(JSON.stringify(lost))).toEqual(lost);
  });

  it.each([null, undefined, "", "{", "null", "[]", '"x"', JSON.stringify({ ...RESULT, at: "now" }), "{}"])(
    "%s is none",
    (json) => {
      expect(decodeCanaryResult(json)).toBeUndefined();
    },
  );

  it("is complete when every node has confirmed, those that left without saying so too", () => {
    expect(isComplete(RESULT, false)).toBe(true);
    expect(isComplete({ ...RESULT, confirmed: 1 }, false)).toBe(false);
    expect(isComplete({ ...RESULT, totalMs: null }, false)).toBe(false);
  });

  it("is not complete without a node, but for a fleet that may have none with the agent", () => {
    const none = { ...RESULT, expected: 0, confirmed: 0 };
    expect(isComplete(none, false)).toBe(false);
    expect(isComplete(none, true)).toBe(true);
    expect(isComplete({ ...none, totalMs: null }, true)).toBe(false);
  });

  it("is in time up to two seconds", () => {
    expect(isInTime({ totalMs: 2_000 })).toBe(true);
    expect(isInTime({ totalMs: 2_001 })).toBe(false);
    expect(isInTime({ totalMs: null })).toBe(false);
  });
});
