import { boundOf, isWell } from "../../fleet/node-view.ts";
import type { ConsoleState } from "../state.ts";
import { namesOf } from "./node-names.ts";

export interface Verdict {
  readonly level: "good" | "warn" | "bad";
  readonly text: string;
}

/** Nodes that are named; of more only the number is told. */
const NAMED = 3;

/** The whole in one sentence: what somebody who was woken wants to know. */
export function verdictOf({ trouble, nodes, tail, local }: ConsoleState): Verdict {
  if (trouble !== null) return { level: "bad", text: `Nothing is known at the moment: ${trouble}` };
  const soketi = nodes.filter((node) => node.soketi !== null);
  if (soketi.length === 0) return { level: "warn", text: "No node is registered." };
  const nameOf = namesOf(nodes, local);
  const unwell = soketi.filter((node) => !isWell(node));
  if (unwell.length > 0) {
    const named = unwell
      .slice(0, NAMED)
      .map(({ node, answers }) => `${nameOf(node)} ${answers ? "has no lease" : "does not answer"}`);
    const more = unwell.length > NAMED ? `, and ${unwell.length - NAMED} more of ${soketi.length}` : "";
    return {
      level: "bad",
      text: `${named.join(", ")}${more}: without Redis ${boundOf(unwell)} without a new read.`,
    };
  }
  const behind = soketi.filter((node) => node.behind === null || node.behind > 0);
  if (behind.length > 0) {
    return { level: "warn", text: `${behind.length} of ${soketi.length} nodes are catching up.` };
  }
  const all = soketi.length === 1 ? "The node is up to date" : `All ${soketi.length} nodes are up to date`;
  return {
    level: "good",
    text: tail === null ? `${all}; nothing has been published yet.` : `${all} with the table.`,
  };
}
