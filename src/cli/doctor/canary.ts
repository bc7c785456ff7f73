import type { CanaryResults } from "../../fleet/canary-results.ts";
import { CANARY_BOUND_MS, type CanaryResult, isComplete, isInTime } from "../../protocol/canary.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";
import { type Check, fail, ok, skipped, warning } from "./check.ts";

const NAME = "canary";

/** One that should have run so many times since is not running. */
const MISSED_RUNS = 3;

/**
 * How long the last change took that was followed to the last node: by the canary, or by hand where there is none.
 *
 * @param now Redis' clock, in milliseconds since 1970.
 */
export function checkCanary(
  { canary, measured }: CanaryResults,
  now: number,
  hasSharedCache: boolean,
): Check[] {
  if (canary) {
    const { at, intervalMs } = canary;
    if (intervalMs !== null && now - at > MISSED_RUNS * intervalMs) {
      return [
        fail(
          NAME,
          `it ran last ${ago(now - at)}, and was due every ${intervalMs / 60_000} min`,
          "Nobody measures any more. Look at its schedule and its log: docs/reference/alarms.md, CanaryNotRun. Switched off on purpose: it " +
            "is forgotten after a day.",
        ),
      ];
    }
    return [judge(canary, `the last change, ${ago(now - at)}`, hasSharedCache)];
  }
  if (measured) {
    return [judge(measured, `by hand, the slowest, ${ago(now - measured.at)}`, hasSharedCache)];
  }
  return [
    skipped(
      NAME,
      "it never ran, or not within a day: nobody knows how long a change takes",
      "Measure now: soketi-app-sync measure. All the time: deploy with canary=on.",
    ),
  ];
}

function judge(result: CanaryResult, which: string, hasSharedCache: boolean): Check {
  const { writeMs, streamMs, nodesMs, totalMs, expected, missing } = result;
  if (streamMs === null) {
    return fail(
      NAME,
      `${which}, did not come to the log`,
      "The pipeline stands still, or publishes elsewhere. Look at the function, the mapping and the stream.",
    );
  }
  if (!isComplete(result, hasSharedCache)) {
    return fail(
      NAME,
      expected === 0 ? `${which}, found no node` : `${which}, was not confirmed by ${missing.join(", ")}`,
      "Look at those nodes with: soketi-app-sync nodes. Gone for good: soketi-app-sync nodes --forget",
    );
  }
  const found = `${which}, took ${totalMs ?? 0} ms to ${amount(expected, "node")}: write ${writeMs}, stream ${streamMs}, nodes ${nodesMs ?? 0}`;
  return isInTime(result)
    ? ok(NAME, found)
    : warning(
        NAME,
        found,
        `More than ${CANARY_BOUND_MS / 1_000} s. Once may be a cold start; again and again: docs/reference/alarms.md, CanaryLate.`,
      );
}
