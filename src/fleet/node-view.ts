import { AGENT_NUMBERS } from "../config/agent-numbers.ts";
import { type MessageId, parseMessageId } from "../protocol/message-id.ts";
import type { RecentFlush, RegisteredNode } from "../protocol/node.ts";
import { plausibleLag } from "../protocol/plausible-lag.ts";

/** One node as it is shown. Null: it did not answer, or is too old to say. */
export interface NodeView {
  readonly node: string;
  readonly host: string;
  readonly pid: number;
  readonly soketi: string | null;
  readonly agent: string;
  readonly answers: boolean;
  /** Of one that left without saying so: how long ago it was seen last, in milliseconds; null while it is there. */
  readonly lastSeenMsAgo: number | null;
  readonly state: string | null;
  /** Messages behind the log's end; null when it follows another log. */
  readonly behind: number | null;
  readonly leaseMsLeft: number;
  /** As it is configured. */
  readonly leaseMs: number;
  /** The oldest app that it serves without a lease. */
  readonly degradedTtlMs: number;
  readonly entries: number | null;
  readonly hitRatio: number | null;
  /** Of its last message; null also when its clock and the function's differ so much that it would be less than nothing. */
  readonly lagMs: number | null;
  /** Apps with open connections, and within which time they are read again after a flush, or without Redis. */
  readonly appsInUse: number | null;
  readonly inUseBoundMs: number | null;
  /** Why it has put all its apps in doubt, and how many milliseconds ago; the last ones, oldest first. */
  readonly flushes: readonly RecentFlush[];
}

export function viewOf(
  { id, entry, answer, silentMs }: RegisteredNode,
  tail: MessageId | undefined,
): NodeView {
  const { soketi = null, state = null, entries = null, lagMs = null, ...known } = answer ?? entry;
  const cursor = parseMessageId(known.cursor ?? "");
  const lookups = (known.hits ?? 0) + (known.misses ?? 0);
  return {
    node: id,
    host: entry.host,
    pid: entry.pid,
    soketi,
    agent: entry.agent,
    answers: answer !== undefined,
    lastSeenMsAgo: answer ? null : (silentMs ?? null),
    state,
    // The tail was read first: a node may be past it.
    behind: cursor?.epoch === tail?.epoch ? Math.max(0, (tail?.seq ?? 0) - (cursor?.seq ?? 0)) : null,
    leaseMsLeft: answer?.leaseMsLeft ?? 0,
    // A program that does not say is taken to have the agent's defaults.
    leaseMs: entry.leaseMs ?? AGENT_NUMBERS.leaseMs.default,
    degradedTtlMs: entry.degradedTtlMs ?? AGENT_NUMBERS.degradedTtlMs.default,
    entries,
    hitRatio: lookups === 0 ? null : (known.hits ?? 0) / lookups,
    lagMs: lagMs === null ? null : plausibleLag(lagMs),
    appsInUse: known.appsInUse ?? null,
    inUseBoundMs: known.inUseBoundMs ?? null,
    flushes: answer?.flushes ?? [],
  };
}

/** What an operator must know of nodes without a lease. */
export function boundOf(nodes: readonly NodeView[]): string {
  const longest = Math.max(...nodes.map(({ degradedTtlMs }) => degradedTtlMs));
  return longest === 0 ? "nothing is served" : `nothing older than ${longest / 1_000} s is served`;
}

/** Programs that only follow the log are their own matter. */
export function isWell({ soketi, answers, leaseMsLeft }: NodeView): boolean {
  return soketi === null || (answers && leaseMsLeft > 0);
}
