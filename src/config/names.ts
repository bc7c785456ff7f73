import { type BusNames, busNames, defaultPrefix, hasHashTag } from "../protocol/names.ts";
import type { EnvReader } from "./env.ts";
import type { RedisSettings } from "./redis.ts";

/**
 * Names of everything in Redis: by `APP_SYNC_PREFIX`, or else by the table.
 *
 * @param as what the prefix is called by whoever set it.
 */
export function readNames(
  env: EnvReader,
  table: string,
  redis: RedisSettings | undefined,
  as = "APP_SYNC_PREFIX",
): BusNames {
  const prefix = env.text("APP_SYNC_PREFIX") ?? defaultPrefix(table);
  if (redis?.kind === "cluster" && !hasHashTag(prefix)) {
    env.mistakes.push(
      `${as}: expected a hash tag in it, as {app-sync} is one, since a cluster keeps names without one on different ` +
        "nodes, found none. Put braces around a part of it, the same on both sides.",
    );
  }
  return busNames(prefix);
}
