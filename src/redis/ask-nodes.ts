import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { answerList, type BusNames } from "../protocol/names.ts";
import { type Answer, decodeAnswer, type Question, type RegisteredNode } from "../protocol/node.ts";
import { orRedisError } from "./errors.ts";
import type { RedisConnection } from "./library.ts";

export interface NodesQuestion {
  readonly connection: RedisConnection;
  readonly names: BusNames;
  readonly question: Pick<Question, "appId">;
  /** How long the slowest is waited for. Milliseconds. */
  readonly limitMs: number;
}

/** Milliseconds. */
const POLL_INTERVAL_MS = 5;

/** Asks these nodes, and gives each with its answer; without one when it has not come in time. Rejects with RedisError. */
export async function askNodes(
  nodes: readonly RegisteredNode[],
  { connection, names, question, limitMs }: NodesQuestion,
): Promise<RegisteredNode[]> {
  const id = randomUUID();
  const list = answerList(names, id);
  const payload = JSON.stringify({ v: 1, id, ...question } satisfies Question);
  await orRedisError("ask the nodes", connection.publish(names.ask, payload));
  const answers = new Map<string, Answer>();
  const until = Date.now() + limitMs;
  let read = 0;
  while (nodes.some((node) => !answers.has(node.id)) && Date.now() < until) {
    await pause(POLL_INTERVAL_MS);
    for (const json of await orRedisError("read answers", connection.lrange(list, read, -1))) {
      read += 1;
      const answer = decodeAnswer(json);
      if (answer) answers.set(answer.node, answer);
    }
  }
  return nodes.map((node) => ({ ...node, answer: answers.get(node.id) }));
}
