import type { CanaryResults } from "../../fleet/canary-results.ts";
import { judgeCanary, type MeasuredChange } from "../../fleet/canary-verdict.ts";
import { CANARY_BOUND_MS } from "../../protocol/canary.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";
import { type Check, fail, ok, skipped, warning } from "./check.ts";

const NAME = "canary";

/**
 * How long the last change took that was followed to the last node: by the canary, or by hand where there is none.
 *
 * @param now Redis' clock, in milliseconds since 1970.
 */
export function checkCanary(results: CanaryResults, now: number, hasSharedCache: boolean): Check[] {
  const verdict = judgeCanary(results, now, hasSharedCache);
  if (verdict.state === "off") {
    return [
      skipped(
        NAME,
        "it never ran, or not within a day: nobody knows how long a change takes",
        "Measure now: soketi-app-sync measure. All the time: deploy with canary=on; beside a relay, have a timer run measure.",
      ),
    ];
  }
  if (verdict.state === "not-run") {
    return [
      fail(
        NAME,
        `it ran last ${ago(verdict.agoMs)}, and was due every ${verdict.intervalMs / 60_000} min`,
        "Nobody measures any more. Look at its schedule and its log: docs/reference/alarms.md, CanaryNotRun. Switched off on purpose: it " +
          "is forgotten after a day.",
      ),
    ];
  }
  return [checkChange(verdict)];
}

function checkChange({ state, agoMs, byHand, result }: MeasuredChange): Check {
  const which = byHand ? `by hand, the slowest, ${ago(agoMs)}` : `the last change, ${ago(agoMs)}`;
  if (state === "no-message") {
    return fail(
      NAME,
      `${which}, did not come to the log`,
      "The pipeline stands still, or publishes elsewhere. Look at the function, the mapping and the stream.",
    );
  }
  const { writeMs, streamMs, nodesMs, totalMs, expected, missing } = result;
  if (state === "incomplete" || state === "no-node") {
    return fail(
      NAME,
      state === "no-node"
        ? `${which}, found no node`
        : `${which}, was not confirmed by ${missing.join(", ")}`,
      "Look at those nodes with: soketi-app-sync nodes. Gone for good: soketi-app-sync nodes --forget",
    );
  }
  const found = `${which}, took ${totalMs ?? 0} ms to ${amount(expected, "node")}: write ${writeMs}, stream ${streamMs ?? 0}, nodes ${nodesMs ?? 0}`;
  return state === "well"
    ? ok(NAME, found)
    : warning(
        NAME,
        found,
        `More than ${CANARY_BOUND_MS / 1_000} s. Once may be a cold start; again and again: docs/reference/alarms.md, CanaryLate.`,
      );
}
