import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { answerList, type BusNames } from "../protocol/names.ts";
import type { Answer, Question, RegisteredNode } from "../protocol/node.ts";
import { orRedisError } from "./errors.ts";
import type { RedisConnection } from "./library.ts";
import { answerOf } from "./told-by-nodes.ts";

/** One question to all nodes, which may be asked again and again: all answers come to one place. Rejects with RedisError. */
export interface OpenQuestion {
  ask(): Promise<void>;
  /** Answers that have come since the last call. */
  answers(): Promise<Answer[]>;
}

export function openQuestion(
  connection: RedisConnection,
  names: BusNames,
  question: Pick<Question, "appId"> = {},
): OpenQuestion {
  const id = randomUUID();
  const list = answerList(names, id);
  const payload = JSON.stringify({ v: 1, id, ...question } satisfies Question);
  let read = 0;
  return {
    async ask() {
      await orRedisError("ask the nodes", connection.publish(names.ask, payload));
    },
    async answers() {
      const found = await orRedisError("read answers", connection.lrange(list, read, -1));
      read += found.length;
      return found.flatMap((json) => answerOf(json) ?? []);
    },
  };
}

/** Milliseconds. */
const POLL_INTERVAL_MS = 5;

/**
 * Returns each node with its answer, or without one if it did not arrive in time. Does not wait for nodes that have left.
 * Rejects with RedisError.
 *
 * @param limitMs how long the slowest is waited for.
 */
export async function askNodes(
  nodes: readonly RegisteredNode[],
  question: OpenQuestion,
  limitMs: number,
): Promise<RegisteredNode[]> {
  await question.ask();
  const answers = new Map<string, Answer>();
  const awaited = nodes.filter(({ silentMs }) => silentMs === undefined);
  const until = performance.now() + limitMs;
  while (awaited.some((node) => !answers.has(node.id)) && performance.now() < until) {
    await pause(POLL_INTERVAL_MS);
    for (const answer of await question.answers()) answers.set(answer.node, answer);
  }
  return nodes.map((node) => ({ ...node, answer: answers.get(node.id) }));
}
