import type { PreviousSecretUse, RegisteredNode } from "../protocol/node.ts";

/** Uses of an app's previous secret in the whole fleet, each node since its start. */
export interface FleetUse extends PreviousSecretUse {
  /** How many nodes have seen any. */
  readonly nodes: number;
}

/** By app. Nodes that have not answered are not in it, and neither are uses before a node's start. */
export function previousSecretUses(nodes: readonly RegisteredNode[]): Map<string, FleetUse> {
  const uses = new Map<string, FleetUse>();
  for (const use of nodes.flatMap(({ answer }) => answer?.previousSecrets ?? [])) {
    const sum = uses.get(use.appId);
    uses.set(use.appId, {
      appId: use.appId,
      until: Math.max(use.until, sum?.until ?? 0),
      taken: use.taken + (sum?.taken ?? 0),
      refused: use.refused + (sum?.refused ?? 0),
      lastTakenAt: later(use.lastTakenAt, sum?.lastTakenAt ?? null),
      lastRefusedAt: later(use.lastRefusedAt, sum?.lastRefusedAt ?? null),
      nodes: 1 + (sum?.nodes ?? 0),
    });
  }
  return uses;
}

function later(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
