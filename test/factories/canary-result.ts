import type { CanaryResult } from "../../src/protocol/canary.ts";

/** Of a canary that two nodes have confirmed in time. */
export const canaryResult = (more: Partial<CanaryResult> = {}): CanaryResult => ({
  at: 1_764_000_000_000,
  intervalMs: 60_000,
  writeMs: 4,
  streamMs: 300,
  nodesMs: 6,
  totalMs: 310,
  expected: 2,
  confirmed: 2,
  missing: [],
  ...more,
});
