import { type BusNames, answerList } from "../protocol/names.ts";
import { type Answer, decodeQuestion, type Question } from "../protocol/node.ts";
import type { RedisConnection } from "./library.ts";
import { ANSWER, runScript } from "./scripts.ts";

/** How long answers wait to be read. Milliseconds. */
const EXPIRY_MS = 10_000;

/** Answers under way at a time; questions beyond are not answered. Whoever may publish could ask without end. */
const MAX_UNDER_WAY = 4;

/**
 * Answers the questions of tools: nothing of it is needed for an app to be right, so a failure is told and no more.
 *
 * @param answer what this node says now; without secrets.
 * @returns gets each payload of the channel for questions.
 */
export function createAnswering(
  connection: RedisConnection,
  names: BusNames,
  answer: (question: Question) => Answer,
  onError: (error: unknown) => void,
): (payload: string) => void {
  let underWay = 0;
  return (payload) => {
    const question = decodeQuestion(payload);
    if (!question || underWay >= MAX_UNDER_WAY) return;
    underWay += 1;
    const args = [JSON.stringify(answer(question)), EXPIRY_MS];
    runScript(connection, ANSWER, [answerList(names, question.id)], args, "take an answer")
      .catch(onError)
      .finally(() => (underWay -= 1));
  };
}
