import type { NodeEntry } from "../protocol/node.ts";

/** The soketi nodes among those of the registry, which also has programs that only follow the log: nobody waits for these. */
export function soketiNodesOf<T extends { readonly entry: NodeEntry }>(nodes: readonly T[]): T[] {
  return nodes.filter(({ entry }) => entry.soketi !== undefined);
}
