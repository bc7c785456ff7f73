import type { RegisteredNode } from "../../protocol/node.ts";
import { amount } from "../support/amount.ts";
import { type Check, warning } from "./check.ts";

/**
 * Whether all who listen are registered here. Others are in another database: their messages come over the same channels, and
 * each makes the nodes of the other flush.
 *
 * @param listeners how many programs listen under this prefix, whatever their database.
 */
export function checkListeners(listeners: number, nodes: readonly RegisteredNode[]): Check[] {
  if (listeners <= nodes.length) return [];
  const registered = nodes.length === 0 ? "none is" : `${nodes.length} ${nodes.length === 1 ? "is" : "are"}`;
  return [
    warning(
      "database",
      `${amount(listeners, "program")} ${listeners === 1 ? "listens" : "listen"} under this prefix, and ${registered} registered in this database`,
      "Redis channels ignore databases: the others use another database of this server, unless they are just starting, died without closing their connection, or subscribe to all channels. " +
        "If they are your nodes, use their database; if not, give each deployment its own APP_SYNC_PREFIX.",
    ),
  ];
}
