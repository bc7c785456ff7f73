import { setTimeout as pause } from "node:timers/promises";
import { compareMessageIds, type MessageId, parseMessageId } from "../protocol/message-id.ts";
import type { RegisteredNode } from "../protocol/node.ts";
import type { Fleet } from "../redis/fleet.ts";

/** Whether a soketi node has applied a message. */
export interface Confirmation {
  /** Its id in the registry. */
  readonly node: string;
  readonly host: string;
  readonly pid: number;
  /** Milliseconds from when the change was made; null when it did not confirm in time. */
  readonly confirmedAfterMs: number | null;
}

export interface Wait {
  /** When the change was made, on `performance.now()`. */
  readonly started: number;
  /** How long to wait from then on. Milliseconds. */
  readonly limitMs: number;
}

/** Between two questions to the nodes. Milliseconds. */
const ASK_PAUSE_MS = 25;

/**
 * Waits until every soketi node of the registry has applied a message, or the time is over: asks at least once. A node that
 * joins meanwhile is waited for, one that leaves is not.
 *
 * @param wanted undefined: an id that cannot be read, which no node ever confirms.
 * @returns the nodes that are registered at the end. Rejects with RedisError.
 */
export async function waitForNodes(
  fleet: Pick<Fleet, "ask">,
  wanted: MessageId | undefined,
  { started, limitMs }: Wait,
): Promise<Confirmation[]> {
  const confirmed = new Map<string, number>();
  let nodes: RegisteredNode[] = [];
  const waited = () => performance.now() - started;
  do {
    if (nodes.length > 0) await pause(ASK_PAUSE_MS);
    nodes = (await fleet.ask()).filter(({ entry }) => entry.soketi !== undefined);
    for (const node of nodes) {
      if (!confirmed.has(node.id) && hasApplied(node, wanted)) confirmed.set(node.id, Math.round(waited()));
    }
  } while (nodes.some((node) => !confirmed.has(node.id)) && waited() < limitMs);
  return nodes.map(({ id, entry: { host, pid } }) => ({
    node: id,
    host,
    pid,
    confirmedAfterMs: confirmed.get(id) ?? null,
  }));
}

/** A node of another, later log has flushed when it came to it. */
function hasApplied({ answer }: RegisteredNode, wanted: MessageId | undefined): boolean {
  const cursor = parseMessageId(answer?.cursor ?? "");
  if (!cursor || !wanted || answer?.state !== "following") return false;
  return compareMessageIds(cursor, wanted) >= 0;
}
