import { soketiNodesOf } from "../../fleet/soketi-nodes.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { amount } from "../support/amount.ts";

/** How many soketi nodes a check has seen that goes by their answers. */
export interface Answering {
  /** For the end of what was found: nothing where every node has answered. */
  readonly inWords: string;
  /** Nodes are there, and none has answered: what they would have said is not known. */
  readonly isNone: boolean;
}

export function answeringOf(nodes: readonly RegisteredNode[]): Answering {
  const soketi = soketiNodesOf(nodes);
  const count = soketi.filter(({ answer }) => answer).length;
  return {
    inWords: count === soketi.length ? "" : `, on ${count} of ${amount(soketi.length, "node")}`,
    isNone: soketi.length > 0 && count === 0,
  };
}

/** What checks of answers say where there is none. */
export const NO_ANSWER = "no node answers";
