import { pause } from "../async/pause.ts";
import { withinBudget } from "../async/within-budget.ts";
import type { SdkError, SdkRequest } from "./server.ts";

/** Longest pause between two tries. Milliseconds. */
const MAX_PAUSE_MS = 250;

/**
 * Tries until there is an answer, an error that will not go away, or no budget left: who waits for this read is a client,
 * who is sent away for good when there is none. The SDK's own pauses, which double up to half a minute, would sleep past the
 * end of a short outage, and its ten tries be used up before the end of a longer one. Aborting alone would not end it:
 * between two tries the SDK does not look at that.
 *
 * @param onError told of each try that failed.
 * @throws the error that will not go away, or that there was no answer, with the last error.
 */
export async function retryWithinBudget<T>(
  make: () => SdkRequest<T>,
  budgetMs: number,
  onError: (error: Error) => void = () => undefined,
): Promise<T> {
  let request = make();
  let isOver = false;
  let lastError: Error | undefined;
  const failed = (error: Error) => {
    lastError = error;
    onError(error);
  };
  const tries = async () => {
    for (;;) {
      request.on("retry", ({ error }) => {
        if (!error || isOver) return;
        error.retryDelay = Math.min(error.retryDelay ?? 0, MAX_PAUSE_MS);
        failed(error);
      });
      try {
        return await request.promise();
      } catch (error) {
        failed(error as SdkError);
        if ((error as SdkError).retryable !== true) throw error;
        await pause(MAX_PAUSE_MS);
        if (isOver) throw error;
      }
      request = make();
    }
  };
  return withinBudget(tries, budgetMs, () => {
    isOver = true;
    request.abort();
    return lastError;
  });
}
