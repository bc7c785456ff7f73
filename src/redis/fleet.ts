import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { LogEntry } from "../protocol/live.ts";
import { formatMessageId, type MessageId, parseMessageId } from "../protocol/message-id.ts";
import { answerList, type BusNames, nodeEntry } from "../protocol/names.ts";
import {
  type Answer,
  decodeAnswer,
  decodeNodeEntry,
  type Question,
  type RegisteredNode,
} from "../protocol/node.ts";
import { RedisError, type RedisConnection } from "./connection.ts";

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

/** Between two looks at the answers. Milliseconds. */
const LOOK_MS = 5;

/** Messages of one read. */
const MESSAGES = 1_000;

/** Entries of one MGET. */
const PAGE = 500;

export function createFleet(connection: RedisConnection, names: BusNames): Fleet {
  const told = <T>(doing: string, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw new RedisError(doing, error);
    });

  async function registered(): Promise<RegisteredNode[]> {
    const doing = "read the registry of nodes";
    const ids = await told(doing, connection.zrange(names.nodes, "0", "-1"));
    const nodes: RegisteredNode[] = [];
    for (let from = 0; from < ids.length; from += PAGE) {
      const page = ids.slice(from, from + PAGE);
      const entries = await told(doing, connection.mget(page.map((id) => nodeEntry(names, id))));
      page.forEach((id, i) => {
        const entry = decodeNodeEntry(entries[i]);
        if (entry) nodes.push({ id, entry });
      });
    }
    return nodes.sort((a, b) => a.entry.host.localeCompare(b.entry.host) || a.entry.pid - b.entry.pid);
  }

  async function ask(question: Pick<Question, "appId"> = {}, limitMs = ANSWER_LIMIT_MS) {
    const nodes = await registered();
    const id = randomUUID();
    const list = answerList(names, id);
    await told("ask the nodes", connection.publish(names.ask, JSON.stringify({ v: 1, id, ...question })));
    const answers = new Map<string, Answer>();
    const until = Date.now() + limitMs;
    let read = 0;
    while (nodes.some((node) => !answers.has(node.id)) && Date.now() < until) {
      await pause(LOOK_MS);
      for (const json of await told("read answers", connection.lrange(list, read, -1))) {
        read += 1;
        const answer = decodeAnswer(json);
        if (answer) answers.set(answer.node, answer);
      }
    }
    return nodes.map((node) => {
      const answer = answers.get(node.id);
      return answer ? { ...node, answer } : node;
    });
  }

  return {
    registered,
    ask,
    async tail() {
      const [last] = await told("read the log's end", connection.xrevrange(names.log, "+", "-", "COUNT", 1));
      return last && parseMessageId(last[0]);
    },
    async messages(after) {
      const from = after ? formatMessageId({ ...after, seq: after.seq + 1 }) : "-";
      const rows = await told("read the log", connection.xrange(names.log, from, "+", "COUNT", MESSAGES));
      return rows.flatMap(([id, fields]) => {
        const place = parseMessageId(id);
        return place && fields[1] !== undefined ? [{ id: place, json: fields[1] }] : [];
      });
    },
  };
}
