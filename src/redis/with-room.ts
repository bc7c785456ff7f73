import { RedisError } from "./errors.ts";
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
    if (!(await halve(connection, log))) throw error;
    return await work();
  }
}

/** Gives half of the log up. @returns whether there was anything to trim; false also when Redis did not do it. */
export async function halve(connection: RedisConnection, log: string): Promise<boolean> {
  try {
    const length = await connection.xlen(log);
    return (await connection.xtrim(log, "MAXLEN", "~", Math.ceil(length / 2))) > 0;
  } catch {
    // What there was no room for is the trouble to tell of.
    return false;
  }
}

/** Redis 6 says it within a sentence about the script. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof RedisError && /(^|-)OOM /.test(error.reason);
}
