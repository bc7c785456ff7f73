import type { LogEntry } from "../protocol/live.ts";
import { formatMessageId, type MessageId, parseMessageId } from "../protocol/message-id.ts";
import { type BusNames, nodeEntry } from "../protocol/names.ts";
import { decodeNodeEntry, type Question, type RegisteredNode } from "../protocol/node.ts";
import { askNodes } from "./ask-nodes.ts";
import { orRedisError } from "./errors.ts";
import type { RedisConnection } from "./library.ts";

/** What tools can learn of all agents over Redis. Rejects with RedisError. */
export interface Fleet {
  /** By the registry alone: up to a heartbeat old. */
  registered(): Promise<RegisteredNode[]>;
  /** Asks them all, and waits for the slowest or the limit. */
  ask(question?: Pick<Question, "appId">, limitMs?: number): Promise<RegisteredNode[]>;
  /** The last id of the log; undefined when there is no log. */
  tail(): Promise<MessageId | undefined>;
  /** The first messages after an id, up to a thousand; from the log's beginning without one. */
  messages(after?: MessageId): Promise<LogEntry[]>;
}

/** An answer takes a few milliseconds; a node that was cut off never gives one. */
const ANSWER_LIMIT_MS = 1_500;

/** Messages of one XRANGE. */
const MESSAGES_PER_READ = 1_000;

/** Entries of one MGET. */
const ENTRIES_PER_READ = 500;

export function createFleet(connection: RedisConnection, names: BusNames): Fleet {
  async function registered(): Promise<RegisteredNode[]> {
    const doing = "read the registry of nodes";
    const ids = await orRedisError(doing, connection.zrange(names.nodes, "0", "-1"));
    const nodes: RegisteredNode[] = [];
    for (let from = 0; from < ids.length; from += ENTRIES_PER_READ) {
      const page = ids.slice(from, from + ENTRIES_PER_READ);
      const entries = await orRedisError(doing, connection.mget(page.map((id) => nodeEntry(names, id))));
      page.forEach((id, i) => {
        const entry = decodeNodeEntry(entries[i]);
        if (entry) nodes.push({ id, entry });
      });
    }
    return nodes.sort((a, b) => a.entry.host.localeCompare(b.entry.host) || a.entry.pid - b.entry.pid);
  }

  return {
    registered,
    ask: async (question = {}, limitMs = ANSWER_LIMIT_MS) =>
      askNodes(await registered(), { connection, names, question, limitMs }),
    async tail() {
      const [last] = await orRedisError(
        "read the log's end",
        connection.xrevrange(names.log, "+", "-", "COUNT", 1),
      );
      return last && parseMessageId(last[0]);
    },
    async messages(after) {
      const from = after ? formatMessageId({ ...after, seq: after.seq + 1 }) : "-";
      const rows = await orRedisError(
        "read the log",
        connection.xrange(names.log, from, "+", "COUNT", MESSAGES_PER_READ),
      );
      return rows.flatMap(([id, fields]) => {
        const place = parseMessageId(id);
        return place && fields[1] !== undefined ? [{ id: place, json: fields[1] }] : [];
      });
    },
  };
}
