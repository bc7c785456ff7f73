import { within } from "../async/within.ts";
import { orRedisError, RedisError, silence } from "./errors.ts";
import type { RedisConnection } from "./library.ts";

/**
 * Connects, or rejects with RedisError: a cluster, or sentinels, that nobody answers for would be waited for without an end.
 *
 * @param limitMs how long an answer may take.
 */
export async function reach(connection: RedisConnection, limitMs: number): Promise<void> {
  const doing = "connect";
  const silent = () => new RedisError(doing, silence(limitMs));
  await orRedisError(doing, within(limitMs, silent, connection.ping()));
}
