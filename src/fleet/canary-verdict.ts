import { type CanaryResult, isComplete, isInTime } from "../protocol/canary.ts";
import type { CanaryResults } from "./canary-results.ts";

/** One that should have run so many times since is not running. */
const MISSED_RUNS = 3;

type Unconfirmed = "incomplete" | "no-node" | "no-message";

/** A change that was followed to the last node, and what came of it. */
export interface MeasuredChange {
  readonly state: "well" | "late" | Unconfirmed;
  /** How long ago, in milliseconds. */
  readonly agoMs: number;
  /** By `measure`: there is no canary. */
  readonly byHand: boolean;
  readonly result: CanaryResult;
}

/** What is known of how long changes take. */
export type CanaryVerdict =
  | MeasuredChange
  /** Neither a canary nor anybody else has measured within a day. */
  | { readonly state: "off" }
  /** It is due every `intervalMs`, and has missed three. */
  | { readonly state: "not-run"; readonly agoMs: number; readonly intervalMs: number };

/**
 * Judges the last change that was followed to the last node: by the canary, or by hand where there is none.
 *
 * @param now Redis' clock, in milliseconds since 1970.
 * @param hasSharedCache a fleet on soketi's own cache may have no node with the agent.
 */
export function judgeCanary(
  { canary, measured }: CanaryResults,
  now: number,
  hasSharedCache: boolean,
): CanaryVerdict {
  const result = canary ?? measured;
  if (!result) return { state: "off" };
  const agoMs = now - result.at;
  const { intervalMs } = result;
  if (canary && intervalMs !== null && agoMs > MISSED_RUNS * intervalMs) {
    return { state: "not-run", agoMs, intervalMs };
  }
  return { state: stateOf(result, hasSharedCache), agoMs, byHand: !canary, result };
}

function stateOf(result: CanaryResult, hasSharedCache: boolean): MeasuredChange["state"] {
  if (result.streamMs === null) return "no-message";
  if (!isComplete(result, hasSharedCache)) return result.expected === 0 ? "no-node" : "incomplete";
  return isInTime(result) ? "well" : "late";
}

/** What became of a change that not every node has confirmed, as the end of a sentence about it. */
export function unconfirmedInWords(state: Unconfirmed, missing: readonly string[]): string {
  if (state === "no-message") return "did not reach the log";
  if (state === "no-node") return "had no registered node to confirm it";
  return `was not confirmed by ${missing.join(", ")}`;
}
