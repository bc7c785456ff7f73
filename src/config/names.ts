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
  if (prefix.trim() !== prefix) env.wrong(as, "names without white space around them", "some");
  if (redis?.kind === "cluster" && !hasHashTag(prefix)) {
    env.mistakes.push(
      `${as}: expected a hash tag such as {app-sync}, without which a cluster keeps the names on different nodes, ` +
        "found none. Put braces around a part of it, the same for pipeline and nodes.",
    );
  }
  return busNames(prefix);
}
