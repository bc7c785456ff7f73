import { READS_REPLICA } from "../../fleet/reads-replica.ts";
import { soketiNodesOf } from "../../fleet/soketi-nodes.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import type { Fleet } from "../../redis/fleet.ts";
import { ago } from "./ago.ts";
import { IF_GONE } from "./node-advice.ts";

/**
 * What was not looked at although Redis answered: soketi nodes that gave no answer, and all of them over a replica. One sentence
 * each; none when every node has answered.
 */
export function unanswered(
  { readsReplica }: Pick<Fleet, "readsReplica">,
  nodes: readonly RegisteredNode[],
): string[] {
  const silent = soketiNodesOf(nodes).filter(({ answer }) => !answer);
  return [...(readsReplica ? [READS_REPLICA] : []), ...silent.map(inWords)];
}

function inWords({ entry: { host, pid }, silentMs }: RegisteredNode): string {
  const found =
    silentMs === undefined ? "does not answer" : `vanished, last seen ${ago(silentMs)}. ${IF_GONE}`;
  return `node ${host} ${pid}: it ${found}`;
}
