import type { NodeView } from "../../fleet/node-view.ts";
import type { LocalNode } from "../state.ts";

/**
 * A short name for each node, by its id: the local stack's own; on one host the pid; else the host, or both where a host has
 * more than one. In containers pids are all the same.
 */
export function namesOf(
  nodes: readonly NodeView[],
  local: readonly LocalNode[] | null,
): (node: string) => string {
  const names = new Map(
    nodes.map(({ node, host, pid }) => {
      const onHost = nodes.filter((other) => other.host === host).length;
      const byPid = local?.find((one) => one.pid === pid)?.name;
      if (byPid !== undefined) return [node, byPid];
      if (onHost === nodes.length) return [node, `node ${pid}`];
      return [node, onHost === 1 ? host : `${host}:${pid}`];
    }),
  );
  return (node) => names.get(node) ?? node;
}
