import { setTimeout as pause } from "node:timers/promises";
import { compareMessageIds, type MessageId, parseMessageId } from "../protocol/message-id.ts";
import type { Answer, RegisteredNode } from "../protocol/node.ts";
import type { Fleet } from "../redis/fleet.ts";
import { soketiNodesOf } from "./soketi-nodes.ts";

/** Whether a soketi node has applied a message. */
export interface Confirmation {
  /** Its id in the registry. */
  readonly node: string;
  readonly host: string;
  readonly pid: number;
  /** Milliseconds from when the change was made; null when it did not confirm in time. */
  readonly confirmedAfterMs: number | null;
  /** Of one that had left without saying so: how long ago it was seen last, in milliseconds. It is not waited for. */
  readonly lastSeenMsAgo: number | null;
}

export interface Wait {
  /** The soketi nodes as they were when the change was made: `nodesToWaitFor`. */
  readonly nodes: readonly RegisteredNode[];
  /** When the change was made, on `performance.now()`. */
  readonly started: number;
  /** How long to wait from then on. Milliseconds. */
  readonly limitMs: number;
}

/** Between two looks at the answers. Milliseconds. */
const POLL_INTERVAL_MS = 5;

/** Between two questions to nodes that have not confirmed: at first, and at most. Milliseconds. */
const ASK_INTERVAL_MS = { first: 20, max: 500 };

/** An answer is waited for at least this long, whatever the limit. Milliseconds. */
const MIN_WAIT_MS = 250;

/** How often the registry is read again, to see who has left it. Milliseconds. */
const REGISTRY_INTERVAL_MS = 1_000;

/** To be called before the change is made. Rejects with RedisError. */
export async function nodesToWaitFor(fleet: Pick<Fleet, "registered">): Promise<RegisteredNode[]> {
  return soketiNodesOf(await fleet.registered());
}

/**
 * Waits until every node has applied a message, or the time limit passes; asks at least once. Nodes that stop in order meanwhile
 * drop out; silent ones are waited for, without delaying the confirmation of others.
 *
 * @param wanted undefined: an id that cannot be read, which no node ever confirms.
 * @returns the nodes that are still in the registry at the end. Rejects with RedisError.
 */
export async function waitForNodes(
  fleet: Pick<Fleet, "registered" | "question">,
  wanted: MessageId | undefined,
  { nodes, started, limitMs }: Wait,
): Promise<Confirmation[]> {
  const confirmed = new Map<string, number>();
  let awaited = nodes;
  const missing = () => awaited.some(({ id, silentMs }) => silentMs === undefined && !confirmed.has(id));
  const question = fleet.question();
  const until = Math.max(started + limitMs, performance.now() + MIN_WAIT_MS);
  const hasLeft = watchDepartures(fleet);
  let askPauseMs = ASK_INTERVAL_MS.first;
  let askAt = Number.NEGATIVE_INFINITY;
  do {
    if (performance.now() >= askAt) {
      await question.ask();
      askAt = performance.now() + askPauseMs;
      askPauseMs = Math.min(askPauseMs * 1.2, ASK_INTERVAL_MS.max);
    }
    await pause(POLL_INTERVAL_MS);
    for (const answer of await question.answers()) {
      if (!confirmed.has(answer.node) && hasApplied(answer, wanted)) {
        confirmed.set(answer.node, Math.round(performance.now() - started));
      }
    }
    const left = await hasLeft();
    awaited = awaited.filter(({ id }) => confirmed.has(id) || !left(id));
  } while (missing() && performance.now() < until);
  return awaited.map(({ id, entry: { host, pid }, silentMs = null }) => ({
    node: id,
    host,
    pid,
    confirmedAfterMs: confirmed.get(id) ?? null,
    lastSeenMsAgo: confirmed.has(id) ? null : silentMs,
  }));
}

/**
 * Tells who has stopped in order: taken itself out of the registry. That is believed at the second look: somebody may have
 * deleted the registry, which the next heartbeats make anew.
 */
function watchDepartures(fleet: Pick<Fleet, "registered">): () => Promise<(id: string) => boolean> {
  let lookAt = performance.now() + REGISTRY_INTERVAL_MS;
  let looks: ReadonlySet<string>[] = [];
  return async () => {
    if (performance.now() >= lookAt) {
      looks = [...looks, new Set((await fleet.registered()).map(({ id }) => id))].slice(-2);
      lookAt = performance.now() + REGISTRY_INTERVAL_MS;
    }
    return (id) => looks.length === 2 && looks.every((registered) => !registered.has(id));
  };
}

/** A node of another, later log has flushed when it came to it. */
function hasApplied({ cursor, state }: Answer, wanted: MessageId | undefined): boolean {
  const at = parseMessageId(cursor);
  if (!at || !wanted || state !== "following") return false;
  return compareMessageIds(at, wanted) >= 0;
}
