import type { BusNames } from "../protocol/names.ts";
import { type MessageId, parseMessageId } from "../protocol/message-id.ts";
import { orRedisError, RedisError } from "./errors.ts";
import type { RedisConnection } from "./library.ts";
import { fieldsOf } from "./reply-fields.ts";
import { infoField } from "./server-info.ts";

/** What a Redis says of itself. */
export interface RedisShape {
  readonly version: string;
  readonly mode: string;
  readonly role: string;
  /** Whether it says which server it is. */
  readonly hasIdentity: boolean;
  /** How many are connected. */
  readonly replicas: number;
  /** Undefined where it is not told. */
  readonly evictionPolicy: string | undefined;
  /** Bytes that it uses, and may use at most; undefined where there is no bound, or it is not told. */
  readonly memory?: { readonly used: number; readonly max: number } | undefined;
  /** Run id and replication id; undefined where they are not told. Heartbeats add the epoch: `serverInEpoch`. */
  readonly server: string | undefined;
}

/** The log as it stands. */
export interface LogShape {
  readonly length: number;
  readonly first: MessageId | undefined;
  readonly last: MessageId | undefined;
}

/** Rejects with RedisError. */
export async function inspectRedis(connection: RedisConnection): Promise<RedisShape> {
  try {
    const info = await connection.info();
    const field = (name: string) => infoField(info, name);
    const run = field("run_id");
    return {
      version: field("redis_version") ?? "unknown",
      mode: field("redis_mode") ?? "unknown",
      role: field("role") ?? "unknown",
      hasIdentity: [field("run_id"), field("master_replid")].every((one) => one !== undefined && one !== ""),
      replicas: Number(field("connected_slaves") ?? 0),
      evictionPolicy: field("maxmemory_policy"),
      memory: memoryOf(Number(field("used_memory") ?? 0), Number(field("maxmemory") ?? 0)),
      server: run === undefined ? undefined : `${run}/${field("master_replid") ?? ""}`,
    };
  } catch (error) {
    throw new RedisError("report its version", error);
  }
}

/** 0 is no bound. */
function memoryOf(used: number, max: number): RedisShape["memory"] {
  return max > 0 ? { used, max } : undefined;
}

/**
 * Undefined when there is no log. Rejects with RedisError, also when something else has its name.
 *
 * One command for all of it: a log that is written and trimmed meanwhile is another at each question, and what they say together
 * looks like holes.
 */
export async function inspectLog(
  connection: RedisConnection,
  names: BusNames,
): Promise<LogShape | undefined> {
  try {
    const fields = fieldsOf(await connection.xinfo("STREAM", names.log));
    const last = idOf(fields.get("last-entry"));
    if (last === undefined) return undefined;
    const first = idOf(fields.get("first-entry"));
    return {
      length: Number(fields.get("length")),
      first: first === undefined ? undefined : parseMessageId(first),
      last: parseMessageId(last),
    };
  } catch (error) {
    if (error instanceof Error && /no such key/i.test(error.message)) return undefined;
    throw new RedisError("read the log", error);
  }
}

/** Of an entry: its id, and its fields. Null stands for none. */
function idOf(entry: unknown): string | undefined {
  const [id] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
  return typeof id === "string" ? id : undefined;
}

/**
 * How many programs listen to questions under a prefix on this server: channels ignore databases, so these may be in any.
 * Rejects with RedisError.
 */
export function countListeners(connection: RedisConnection, names: BusNames): Promise<number> {
  // What is no question gets no answer.
  return orRedisError("ask the nodes", connection.publish(names.ask, ""));
}

/** Keys of one SCAN, and how many of these there are at most: a look, not a search. */
const KEYS_PER_SCAN = 1_000;
const MAX_SCANS = 50;

/** Prefixes under which nodes are registered, whichever: none when it may not be looked. */
export async function otherPrefixes(connection: RedisConnection, names: BusNames): Promise<string[]> {
  const found = new Set<string>();
  try {
    const node = "nodes" in connection ? connection.nodes("master") : [connection];
    for (const one of node) {
      let cursor = "0";
      for (let page = 0; page < MAX_SCANS; page += 1) {
        const [next, keys] = await one.scan(cursor, "MATCH", "*:v1:nodes", "COUNT", KEYS_PER_SCAN);
        for (const key of keys) if (key !== names.nodes) found.add(key.replace(/:v1:nodes$/, ""));
        cursor = next;
        if (cursor === "0") break;
      }
    }
  } catch {
    // A user who may only use the log's own names may not scan: then there is no hint, and no fault either.
    return [];
  }
  return [...found].sort();
}
