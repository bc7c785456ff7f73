import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { ConflictError } from "./errors.ts";

/**
 * Makes a write that has a condition. The SDK repeats one whose answer was lost, and the repeated one finds that the item has
 * changed: by this very write. It is done if the item is as it was to be.
 *
 * @param isWritten reads that. Only asked where an answer may have been lost.
 * @throws ConflictError with the message when somebody else was first; what `isWritten` throws after a conflict that may be our own.
 */
export async function writeOnCondition(
  answer: Promise<unknown>,
  isWritten: () => Promise<boolean>,
  message: string,
): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      if (attemptsOf(error) > 1 && (await isWritten())) return;
      throw new ConflictError(message, { cause: error });
    }
    // The table may be as silent as before: it is not known then, as the error says.
    if (isUnanswered(error) && (await isWritten().catch(() => false))) return;
    throw error;
  }
}

interface SdkError {
  readonly $metadata?: { readonly attempts?: number; readonly httpStatusCode?: number };
}

function attemptsOf({ $metadata }: SdkError): number {
  return $metadata?.attempts ?? 1;
}

/** Whether a request may have been carried out although it has failed: nobody answered, or only that the server has failed. */
export function isUnanswered(error: unknown): boolean {
  const { $metadata } = (error ?? {}) as SdkError;
  return ($metadata?.httpStatusCode ?? 500) >= 500;
}
