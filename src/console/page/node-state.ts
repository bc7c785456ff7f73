import { elapsed } from "../../fleet/elapsed.ts";
import type { NodeView } from "../../fleet/node-view.ts";

export interface NodeState {
  /** `stale`: it is not known how it is now. */
  readonly level: "good" | "bad" | "stale";
  readonly text: string;
}

/** @param ageMs how old what is known is, in milliseconds; null while it is of now. */
export function stateOf(node: NodeView, ageMs: number | null): NodeState {
  const { answers, leaseMsLeft, lastSeenMsAgo, state } = node;
  if (ageMs !== null) return { level: "stale", text: `as of ${elapsed(ageMs)} ago` };
  if (lastSeenMsAgo !== null)
    return { level: "bad", text: `vanished, last seen ${elapsed(lastSeenMsAgo)} ago` };
  if (!answers) return { level: "bad", text: "does not answer" };
  if (leaseMsLeft === 0) return { level: "bad", text: `no lease, ${state ?? "unknown"}` };
  return { level: "good", text: state ?? "unknown" };
}
