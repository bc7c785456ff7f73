/** Names of everything this project keeps in Redis, all derived from one prefix. */
export interface BusNames {
  /** The log: a Redis Stream with every message, ids `<epoch>-<seq>`. */
  readonly log: string;
  /** What the log ends with, so that nobody has to read it: a hash, which only whoever appends writes. */
  readonly last: string;
  /** The fast path: a pub/sub channel that carries `<id> <thin JSON>` for each message of the log. */
  readonly live: string;
  /** The registry: a sorted set of the ids of running agents, scored by when their entries expire. */
  readonly nodes: string;
  /**
   * Who was there within a day: a sorted set of the ids of agents, scored by their last heartbeat. One that is not in `nodes`
   * any more has left without saying so.
   */
  readonly seen: string;
  /** Where tools ask all agents something: a pub/sub channel of questions. */
  readonly ask: string;
  /** What the relays have in common: begins the names of `relayNames`. */
  readonly relay: string;
  /** How long the canary's last write took to the last node: a text with JSON, and an expiry. */
  readonly canary: string;
  /** The same of a write that somebody has asked for, with `measure`. */
  readonly measured: string;
}

/** Where relays agree on who reads the stream, and where each shard was left. docs/relay.md */
export interface RelayNames {
  /** Who is active, as the token that its writes are let through by: a text, with an expiry. */
  readonly lease: string;
  /** How often somebody became active: a number, the first part of each token. */
  readonly terms: string;
  /** Stream, shards and the sequence number that each was read up to: a hash, with an expiry. */
  readonly positions: string;
}

export function relayNames({ relay }: BusNames): RelayNames {
  return { lease: `${relay}:lease`, terms: `${relay}:terms`, positions: `${relay}:positions` };
}

/** The registry entry of one agent: JSON, with an expiry. */
export function nodeEntry(names: BusNames, node: string): string {
  return `${names.nodes}:${node}`;
}

/** Where the answers to one question are gathered: a list of JSON, with an expiry. */
export function answerList(names: BusNames, question: string): string {
  return `${names.ask}:${question}`;
}

/**
 * The default prefix of a table. The braces are a Redis Cluster hash tag: all names share one slot, so that one
 * script may touch them together.
 */
export function defaultPrefix(table: string): string {
  return `{app-sync:${table}}`;
}

/**
 * Whether Redis Cluster takes the slot from a part of the name alone: what stands between the first `{` and the next `}`, if
 * that is anything.
 */
export function hasHashTag(name: string): boolean {
  return /^[^{]*\{[^}]+\}/.test(name);
}

/** `v1` is the version of the protocol: agents of another version listen elsewhere and are not disturbed. */
export function busNames(prefix: string): BusNames {
  return {
    log: `${prefix}:v1:log`,
    last: `${prefix}:v1:last`,
    live: `${prefix}:v1:live`,
    nodes: `${prefix}:v1:nodes`,
    seen: `${prefix}:v1:nodes:seen`,
    ask: `${prefix}:v1:ask`,
    relay: `${prefix}:v1:relay`,
    canary: `${prefix}:v1:canary`,
    measured: `${prefix}:v1:canary:measured`,
  };
}
