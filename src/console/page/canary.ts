import { elapsed } from "../../fleet/elapsed.ts";
import { type MeasuredChange, unconfirmedInWords } from "../../fleet/canary-verdict.ts";
import { CANARY_BOUND_MS } from "../../protocol/canary.ts";
import type { ConsoleState } from "../state.ts";

/** What the canary found wrong. What somebody measured by hand, perhaps hours ago, says nothing about now. */
export function canaryFinding({ canary }: Pick<ConsoleState, "canary">): {
  readonly level: "warn" | "bad";
  readonly text: string;
}[] {
  if (!canary || canary.state === "off") return [];
  if (canary.state === "not-run") {
    const text = `The canary last ran ${elapsed(canary.agoMs)} ago: nothing measures whether changes arrive.`;
    return [{ level: "bad", text }];
  }
  if (canary.byHand || canary.state === "well") return [];
  const text = `The canary's change of ${elapsed(canary.agoMs)} ago ${whatHappened(canary)}.`;
  return [{ level: canary.state === "late" ? "warn" : "bad", text }];
}

/** What is not measured, beside all that is well. */
export function canaryNote({ canary, local }: Pick<ConsoleState, "canary" | "local">): string[] {
  const byHand = canary && "byHand" in canary && canary.byHand;
  if (!canary || (canary.state !== "off" && !byHand)) return [];
  const none = local ? "the local stack has no canary" : "there is no canary";
  return [`How long changes take is not measured: ${none}.`];
}

/** For the head of the page, in a few words; null where it is not looked at. */
export function canaryFact({ canary }: Pick<ConsoleState, "canary">): string | null {
  if (!canary) return null;
  if (canary.state === "off") return "off";
  if (canary.state === "not-run") return `last ran ${elapsed(canary.agoMs)} ago`;
  return `${canary.byHand ? "none; by hand: " : ""}${outcomeOf(canary)}, ${elapsed(canary.agoMs)} ago`;
}

function outcomeOf({ state, result: { totalMs, expected } }: MeasuredChange): string {
  if (state === "no-message") return "not in the log";
  if (state === "no-node") return "no node";
  if (state === "incomplete") return "not on every node";
  return `${totalMs ?? 0} ms to ${expected === 1 ? "the node" : `all ${expected} nodes`}`;
}

/** Of a change that was not well. */
function whatHappened({ state, result: { totalMs, missing } }: MeasuredChange): string {
  if (state !== "well" && state !== "late") return unconfirmedInWords(state, missing);
  return `took ${totalMs ?? 0} ms to the last node, more than ${CANARY_BOUND_MS / 1_000} s`;
}
