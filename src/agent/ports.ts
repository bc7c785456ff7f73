import type { LogEntry } from "../protocol/live.ts";
import type { MessageId } from "../protocol/message-id.ts";

/** Milliseconds on a clock that only goes forward. Its zero means nothing. */
export type MonotonicClock = () => number;

/** What one heartbeat finds. */
export interface Tail {
  /** The log's last id; undefined while there is no log. */
  readonly last?: MessageId | undefined;
  /**
   * Who answered: run id and replication id of the Redis server, and the epoch in which it is the primary, where somebody
   * counts them. Another value means that the log may have lost a suffix and used its numbers again. All are needed: Redis
   * keeps its replication id over some restarts. Undefined where a server does not say: then nothing can be proven.
   */
  readonly server: string | undefined;
  /** Its run id alone: the subscription has to be on the same server. Undefined where that is not known. */
  readonly run?: string | undefined;
  /** How many nodes are registered, this one included; undefined where that is not known. */
  readonly nodes?: number | undefined;
  /** How many left within a day without saying so: killed, frozen, or cut off from Redis; undefined where that is not known. */
  readonly left?: number | undefined;
}

/** The agent's end of the log. Every call rejects, rather than hangs, when Redis does not answer. */
export interface Bus {
  /** Writes this node's registry entry and reads the tail, in one step on the master. */
  heartbeat(): Promise<Tail>;
  /**
   * Has the subscription made anew: it may be on another server than the one that takes heartbeats, or have messages of a
   * former one under way. That it is lost is told as ever; until then nothing of it counts any more.
   */
  resubscribe(): void;
  /** Entries with `after < id <= last` of one epoch, oldest first. Fewer than expected means: trimmed. */
  read(after: MessageId, last: MessageId): Promise<readonly LogEntry[]>;
}

/** Where the agent looks apps up. `A` is soketi's own App object. */
export interface AppSource<A> {
  /** A consistent read of the table. Undefined: there is no such (usable) app. Rejects when it cannot be told. */
  loadById(id: string): Promise<A | undefined>;
  /** The id of the app with this key, from the index, which may lag behind the table. */
  resolveKey(key: string): Promise<string | undefined>;
}

/** The two things that the cache must know about soketi's App. */
export interface AppIdentity {
  readonly id: string;
  readonly key: string;
}

/** One client's connection to this node. */
export interface Connection<A> {
  /** Among those of its app. */
  readonly id: string;
  /** The app key that the client connected with. */
  readonly key: string;
  /** Whether the connection follows this very app already. */
  has(app: A): boolean;
  /** Whether what the client signs is checked with this app's secret already, or with one that the app has just before it. */
  hasSecretOf(app: A): boolean;
  /** Puts limits, flags and secret of the app in force on the connection. */
  replace(app: A): void;
  /** Tells the client why, in Pusher's protocol, and closes. */
  close(code: number, message: string): void;
}

/** This node's open connections. */
export interface Connections<A> {
  /** Ids of the apps that have any. */
  appIds(): string[];
  has(appId: string): boolean;
  /** As they are now: connections that come or go while this is walked through do no harm. */
  of(appId: string): Iterable<Connection<A>>;
}

/** How many connections an app may have, in the whole fleet. */
export interface ConnectionLimits<A> {
  /**
   * How many of this node's are too many: its share of what is too many in the fleet, which may be a fraction. 0: there are not
   * too many. Rejects when that cannot be told.
   */
  surplus(appId: string, app: A): Promise<number>;
  /** So many of this node's that were opened last. */
  newest(appId: string, count: number): Iterable<Connection<A>>;
}
