import type { ConsoleState } from "../state.ts";

export interface Verdict {
  readonly level: "good" | "warn" | "bad";
  readonly text: string;
}

/** The whole in one sentence: what somebody who was woken wants to know. */
export function verdictOf({ trouble, nodes, tail }: ConsoleState): Verdict {
  if (trouble !== null) return { level: "bad", text: `Nothing is known now: ${trouble}` };
  const soketi = nodes.filter((node) => node.soketi !== null);
  if (soketi.length === 0) return { level: "warn", text: "No node is registered." };
  const without = soketi.filter((node) => !node.answers || node.leaseMsLeft === 0);
  if (without.length > 0) {
    const names = without.map(
      ({ pid, answers }) => `node ${pid} ${answers ? "has no lease" : "does not answer"}`,
    );
    return {
      level: "bad",
      text: `${names.join(", ")}: without Redis nothing older than 5 s is served without a new read.`,
    };
  }
  const behind = soketi.filter((node) => node.behind === null || node.behind > 0);
  if (behind.length > 0) {
    return { level: "warn", text: `${behind.length} of ${soketi.length} nodes are catching up.` };
  }
  const all = soketi.length === 1 ? "The node is in line" : `All ${soketi.length} nodes are in line`;
  return {
    level: "good",
    text: tail === null ? `${all}; nothing was published yet.` : `${all} with the table's changes.`,
  };
}
