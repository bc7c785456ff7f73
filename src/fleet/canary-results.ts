import { type CanaryResult, decodeCanaryResult } from "../protocol/canary.ts";
import type { BusNames } from "../protocol/names.ts";
import { orRedisError } from "../redis/errors.ts";
import type { RedisConnection } from "../redis/library.ts";

/** As long as a node that vanished is remembered: a day. Seconds. */
const RETENTION_SECONDS = 86_400;

/** The last writes that were followed to the last node: the canary's own, and those by hand. */
export interface CanaryResults {
  readonly canary: CanaryResult | undefined;
  readonly measured: CanaryResult | undefined;
}

/** Rejects with RedisError. */
export async function keepCanaryResult(
  connection: RedisConnection,
  name: BusNames["canary" | "measured"],
  result: CanaryResult,
): Promise<void> {
  await orRedisError(
    "keep the canary's result",
    connection.set(name, JSON.stringify(result), "EX", RETENTION_SECONDS),
  );
}

/** Rejects with RedisError. */
export async function readCanaryResults(
  connection: RedisConnection,
  names: BusNames,
): Promise<CanaryResults> {
  const [canary, measured] = await orRedisError(
    "read the canary's result",
    connection.mget([names.canary, names.measured]),
  );
  return { canary: decodeCanaryResult(canary), measured: decodeCanaryResult(measured) };
}
