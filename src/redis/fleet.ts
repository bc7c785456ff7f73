import type { LogEntry } from "../protocol/live.ts";
import { formatMessageId, type MessageId, parseMessageId } from "../protocol/message-id.ts";
import type { BusNames } from "../protocol/names.ts";
import type { Question, RegisteredNode } from "../protocol/node.ts";
import { askNodes, type OpenQuestion, openQuestion } from "./ask-nodes.ts";
import { orRedisError } from "./errors.ts";
import { leaveReplicas } from "./leave-replicas.ts";
import type { RedisConnection } from "./library.ts";
import { readClock, readRegistry } from "./registry.ts";

/** What tools can learn of all agents over Redis. Rejects with RedisError. */
export interface Fleet {
  /** What was read last came from a replica, and may be old. A connection to one is made anew at each second. */
  readonly readsReplica: boolean;
  /** By the registry alone: up to a heartbeat old. With those that left within a day without saying so. */
  registered(): Promise<RegisteredNode[]>;
  /** Asks them all, and waits for the slowest or the limit. */
  ask(question?: Pick<Question, "appId">, limitMs?: number): Promise<RegisteredNode[]>;
  /** A question to all nodes that may be asked again and again. */
  question(): OpenQuestion;
  /** Redis' clock: milliseconds since 1970. */
  now(): Promise<number>;
  /** Of nodes that have left: they are not remembered any more. */
  forget(ids: readonly string[]): Promise<void>;
  /** The last id of the log; undefined when there is no log. */
  tail(): Promise<MessageId | undefined>;
  /** The first messages after an id, up to a thousand; from the log's beginning without one. */
  messages(after?: MessageId): Promise<LogEntry[]>;
}

/** An answer takes a few milliseconds; a node that was cut off never gives one. */
const ANSWER_LIMIT_MS = 1_500;

/** Messages of one XRANGE. */
const MESSAGES_PER_READ = 1_000;

export function createFleet(connection: RedisConnection, names: BusNames): Fleet {
  const guard = leaveReplicas(connection);
  const registered = async () => {
    await guard.look();
    return readRegistry(connection, names);
  };

  return {
    get readsReplica() {
      return guard.readsReplica;
    },
    registered,
    ask: async (question = {}, limitMs = ANSWER_LIMIT_MS) =>
      askNodes(await registered(), openQuestion(connection, names, question), limitMs),
    question: () => openQuestion(connection, names),
    now: () => readClock(connection),
    async forget(ids) {
      if (ids.length > 0) await orRedisError("forget nodes", connection.zrem(names.seen, ...ids));
    },
    async tail() {
      await guard.look();
      const [last] = await orRedisError(
        "read the log's end",
        connection.xrevrange(names.log, "+", "-", "COUNT", 1),
      );
      return last && parseMessageId(last[0]);
    },
    async messages(after) {
      await guard.look();
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
