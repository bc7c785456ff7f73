import { reasonOf, RedisError } from "./errors.ts";
import type { RedisConnection } from "./library.ts";

/**
 * Some work on Redis; should that be full, once more with half of the log, whose trimming is what a full Redis still does. Nodes
 * that were away for long flush then, and nobody misses a change.
 *
 * @param log its key.
 * @throws RedisError of the work. Also when there was nothing to trim: that Redis is full is the trouble to tell of.
 */
export async function withRoom<T>(
  connection: RedisConnection,
  log: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    let trimmed: boolean;
    try {
      trimmed = await trim(connection, log);
    } catch (cause) {
      throw new RedisError(
        error.doing,
        `${error.reason}; half of the log could not be given up: ${reasonOf(cause)}`,
      );
    }
    if (!trimmed) throw error;
    return await work();
  }
}

/** Gives half of the log up. @returns whether there was anything to trim; false also when Redis did not do it. */
export async function halve(connection: RedisConnection, log: string): Promise<boolean> {
  try {
    return await trim(connection, log);
  } catch {
    // What there was no room for is the trouble to tell of.
    return false;
  }
}

async function trim(connection: RedisConnection, log: string): Promise<boolean> {
  const length = await connection.xlen(log);
  return (await connection.xtrim(log, "MAXLEN", "~", Math.ceil(length / 2))) > 0;
}

/** Redis 6 says it within a sentence about the script. */
function isOutOfMemory(error: unknown): error is RedisError {
  return error instanceof RedisError && /(^|-)OOM /.test(error.reason);
}
