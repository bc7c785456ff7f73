import { within } from "../async/within.ts";
import { RedisError, silence } from "./errors.ts";
import type { RedisClient } from "./library.ts";

/**
 * Asks a connection for a sign of life, and ends it when none comes in time: a socket whose other end is gone without a
 * word would stay open for ever.
 */
export function checkAlive(
  connection: RedisClient,
  limitMs: number,
  onSilence: (error: RedisError) => void,
): void {
  const doing = "answer PING on the subscriber's connection";
  within(limitMs, () => silence(limitMs), connection.ping()).catch((error: unknown) => {
    const failure = new RedisError(doing, error);
    // Any other failure of PING ends with its connection, which says so by `end`, or it is an answer.
    if (failure.code !== "TIMEOUT") return;
    onSilence(failure);
    connection.disconnect();
  });
}
