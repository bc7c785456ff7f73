import type { PublicApp } from "../app/public-view.ts";

/** What an agent says of itself at each heartbeat, beside who it is. */
export interface NodeStatus {
  /** The id of the last message applied; empty before the first sync, and while there is no log. */
  readonly cursor: string;
  /** `down`, `syncing` or `following`: src/agent/log-follower.ts. */
  readonly state: string;
  /** Milliseconds, when the heartbeat was sent. */
  readonly leaseMsLeft: number;
  /** Apps in the cache. */
  readonly entries: number;
  /** Of the last message: milliseconds from the pipeline's invocation to the drop. */
  readonly lagMs: number;
  /** Lookups since the start: answered from the cache, and not. */
  readonly hits: number;
  readonly misses: number;
  /** Reads of DynamoDB since the start, by id and by key. */
  readonly reads: number;
  /** Apps with open connections. Absent, as the next one, from agents that do not read them again by themselves. */
  readonly appsInUse?: number;
  /** After a flush, or while there is no Redis, all of them have been read again within this time. Milliseconds. */
  readonly inUseBoundMs?: number;
}

/** An agent's entry in the registry. Fields that its version does not write yet are absent. */
export interface NodeEntry extends Partial<NodeStatus> {
  readonly host: string;
  readonly pid: number;
  /** Version of the agent. */
  readonly agent: string;
  /** Version of soketi. Absent for programs that only follow the log. */
  readonly soketi?: string;
  /** Of programs that only follow the log; absent for soketi. */
  readonly role?: "follower";
  /** How long its lease is, and how old an app it serves without one. Milliseconds. */
  readonly leaseMs?: number;
  readonly degradedTtlMs?: number;
}

/** The id of a message, and the milliseconds from the pipeline's invocation to the drop on this node. */
export type RecentMessage = readonly [id: string, lagMs: number];

/** What a node's cache has under an app's id. */
export interface CachedEntry {
  /** Null: the node holds that there is no such app. */
  readonly app: PublicApp | null;
  readonly readMsAgo: number;
  /** Whether it would be served now without asking the table. */
  readonly proven: boolean;
}

/** What was signed with an app's previous secret on one node since its start. No secret is in it. */
export interface PreviousSecretUse {
  readonly appId: string;
  /** End of the overlap, as it was when this was last counted. Seconds since 1970. */
  readonly until: number;
  /** Requests, subscriptions and sign-ins that were let through. */
  readonly taken: number;
  /** Those that came after the end. */
  readonly refused: number;
  /** Milliseconds since 1970; null where there was none. */
  readonly lastTakenAt: number | null;
  readonly lastRefusedAt: number | null;
}

/** Why a node has put all its apps in doubt, and how long ago. */
export type RecentFlush = readonly [reason: string, msAgo: number];

/** The answer of one agent to one question. Fields that its version does not give yet are absent. */
export type Answer = NodeStatus &
  NodeEntry & {
    /** Its id in the registry. */
    readonly node: string;
    readonly recent: readonly RecentMessage[];
    /** The last flushes, oldest first. */
    readonly flushes?: readonly RecentFlush[];
    /** When it answered, by its own clock: milliseconds since 1970. */
    readonly at?: number;
    /** Which Redis it follows: run id and replication id of the one that took its last heartbeat. */
    readonly server?: string | undefined;
    /** When an app was asked for: null for "nothing is held". */
    readonly holds?: CachedEntry | null | undefined;
    /** The last apps whose previous secret was used, and the one that was asked for. Absent from older agents. */
    readonly previousSecrets?: readonly PreviousSecretUse[] | undefined;
  };

/** A node of the registry. */
export interface RegisteredNode {
  readonly id: string;
  /** As its last heartbeat had it. */
  readonly entry: NodeEntry;
  /**
   * Of one that left without saying so: how long ago its last heartbeat was, in milliseconds. Absent while it is there, and
   * for half a minute more.
   */
  readonly silentMs?: number | undefined;
  /** Absent from a node that does not answer: an old agent, or one without Redis. */
  readonly answer?: Answer | undefined;
}

/** Asked of all agents at once, on their channel for questions. */
export interface Question {
  readonly v: 1;
  /** Names the list that the answers go to. */
  readonly id: string;
  /** What is held of this app? */
  readonly appId?: string | undefined;
}

/** Whoever may publish chooses this text: it must not lead out of the names that are ours. */
const QUESTION_ID = /^[\w-]{8,64}$/;

/** Undefined for anything that is no question of this version: who asks gets no answer then. */
export function decodeQuestion(payload: string): Question | undefined {
  const value = parse(payload);
  if (value?.v !== 1 || typeof value.id !== "string" || !QUESTION_ID.test(value.id)) return undefined;
  return { v: 1, id: value.id, appId: typeof value.appId === "string" ? value.appId : undefined };
}

/** Undefined for what no agent writes. */
export function decodeNodeEntry(json: string | null | undefined): NodeEntry | undefined {
  const value = parse(json ?? "");
  if (typeof value?.host !== "string" || typeof value.pid !== "number" || typeof value.agent !== "string") {
    return undefined;
  }
  return value as unknown as NodeEntry;
}

export function decodeAnswer(json: string): Answer | undefined {
  const entry = decodeNodeEntry(json) as Partial<Answer> | undefined;
  return typeof entry?.node === "string" && Array.isArray(entry.recent) ? (entry as Answer) : undefined;
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
