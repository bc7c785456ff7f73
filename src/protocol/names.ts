/** Names of everything this project keeps in Redis, all derived from one prefix. */
export interface BusNames {
  /** The log: a Redis Stream with every message, ids `<epoch>-<seq>`. */
  readonly log: string;
  /** The fast path: a pub/sub channel that carries `<id> <json>` for each message of the log. */
  readonly live: string;
  /** The registry: one entry for each running agent. */
  readonly nodes: string;
}

/**
 * The default prefix of a table. The braces are a Redis Cluster hash tag: all names share one slot, so that one
 * script may touch them together.
 */
export function defaultPrefix(table: string): string {
  return `{app-sync:${table}}`;
}

/** `v1` is the version of the protocol: agents of another version listen elsewhere and are not disturbed. */
export function busNames(prefix: string): BusNames {
  return { log: `${prefix}:v1:log`, live: `${prefix}:v1:live`, nodes: `${prefix}:v1:nodes` };
}
