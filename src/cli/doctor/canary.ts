import type { CanaryResults } from "../../fleet/canary-results.ts";
import { judgeCanary, type MeasuredChange, unconfirmedInWords } from "../../fleet/canary-verdict.ts";
import { CANARY_BOUND_MS } from "../../protocol/canary.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";
import { IF_GONE } from "../support/node-advice.ts";
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
        "it has not run within a day: how long changes take is unknown",
        "Measure once with soketi-app-sync measure. To measure always, deploy with canary=on or, with a relay, run measure on a timer.",
      ),
    ];
  }
  if (verdict.state === "not-run") {
    return [
      fail(
        NAME,
        `it last ran ${ago(verdict.agoMs)}, and is due every ${verdict.intervalMs / 60_000} min`,
        "How long changes take is no longer measured. Check its schedule and log: docs/reference/alarms.md, CanaryNotRun. If you switched " +
          "it off, this check ends after a day.",
      ),
    ];
  }
  return [checkChange(verdict)];
}

const ADVICE = {
  "no-message":
    "The pipeline is stopped or publishes elsewhere. Check the function, its mapping and the stream.",
  "no-node": "Start soketi with the agent (docs/agent.md), on the Redis and prefix of the function.",
  incomplete: `Check these nodes with: soketi-app-sync nodes. ${IF_GONE}`,
} as const;

function checkChange({ state, agoMs, byHand, result }: MeasuredChange): Check {
  const which = byHand
    ? `the slowest change measured by hand, ${ago(agoMs)}`
    : `the last change, ${ago(agoMs)}`;
  const { writeMs, streamMs, nodesMs, totalMs, expected, missing } = result;
  if (state !== "well" && state !== "late")
    return fail(NAME, `${which}, ${unconfirmedInWords(state, missing)}`, ADVICE[state]);
  const found = `${which}, took ${totalMs ?? 0} ms to ${amount(expected, "node")}: write ${writeMs}, stream ${streamMs ?? 0}, nodes ${nodesMs ?? 0}`;
  return state === "well"
    ? ok(NAME, found)
    : warning(
        NAME,
        found,
        `More than ${CANARY_BOUND_MS / 1_000} s. Once may be a cold start; again and again: docs/reference/alarms.md, CanaryLate.`,
      );
}
