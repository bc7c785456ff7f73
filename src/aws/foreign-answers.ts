import { ForeignAnswerError } from "./errors.ts";
import type { SdkClient } from "./failed-request.ts";

/** What each answer has, also for an empty table. The others may be empty. */
const ALWAYS: Readonly<Record<string, string>> = {
  BatchGetItemCommand: "Responses",
  DescribeStreamCommand: "StreamDescription",
  DescribeTableCommand: "Table",
  GetRecordsCommand: "Records",
  QueryCommand: "Count",
  ScanCommand: "Count",
};

interface Answer {
  /** As it came, headers and all. */
  readonly response?: unknown;
  readonly output: object;
}

type Next = (args: unknown) => Promise<Answer>;

/**
 * To the SDK an answer without a body, or with any JSON object, is one of DynamoDB's without items: a table that could not be
 * read would look like an empty one. Such an answer rejects with ForeignAnswerError.
 */
export function refuseForeignAnswers(client: SdkClient): void {
  const check =
    (next: Next, { commandName = "" }: { readonly commandName?: string }): Next =>
    async (args) => {
      const answer = await next(args);
      const missing = ALWAYS[commandName];
      if (isEmpty(answer.response) || (missing !== undefined && !(missing in answer.output)))
        throw new ForeignAnswerError(
          `expected DynamoDB's answer to ${commandName.replace("Command", "")}, found one without ` +
            `${missing ?? "a body"}: check the endpoint`,
        );
      return answer;
    };
  client.middlewareStack.add(check as never, { step: "build", name: "refuseForeignAnswers" });
}

function isEmpty(response: unknown): boolean {
  const { headers } = (response ?? {}) as { headers?: Readonly<Record<string, string>> };
  return headers?.["content-length"] === "0";
}
