import { isDeepStrictEqual } from "node:util";
import { asOptions, type RedisOptions } from "./carried-options.ts";
import { fromSoketi, type SoketiRedis } from "./redis-settings.ts";
import type { SoketiServer } from "./server.ts";

/** The Redis that soketi itself uses. */
export interface OwnRedis extends SoketiRedis {
  /** Otherwise soketi never connects to it, and its settings may say nothing. */
  readonly isUsed: boolean;
  /** Which of soketi's settings lead to another server than these, or log in otherwise. None: there is only one Redis. */
  readonly others: readonly string[];
}

/** What of soketi can use Redis, and where each has options of its own for that, beside `database.redis`. */
const PARTS = [
  ["adapter", "redisPubOptions"],
  ["adapter", "redisSubOptions"],
  ["cache", "redisOptions"],
  ["queue", "redisOptions"],
  ["rateLimiter", "redisOptions"],
] as const;

/**
 * As its parts connect to it: `database.redis`, with the options of each part over it, and to a cluster only where that part is
 * told to (`SOKETI_CACHE_REDIS_OPTIONS`, `SOKETI_CACHE_REDIS_CLUSTER_MODE`, …). While no part uses Redis, `database.redis` is all
 * there is to go by. (soketi 1.6.1: dist/adapters/redis-adapter.js, cache-managers, queues and rate-limiters.)
 */
export function ownRedis(options: SoketiServer["options"]): OwnRedis {
  const [first, ...rest] = connectionsOf(options);
  if (!first) return { ...fromSoketi(options.database.redis), isUsed: false, others: [] };
  const found = fromSoketi(first.options);
  const others = rest.filter((one) => !isDeepStrictEqual(fromSoketi(one.options).settings, found.settings));
  return { ...found, isUsed: true, others: others.map(({ name }) => name) };
}

function connectionsOf(options: SoketiServer["options"]): { name: string; options: RedisOptions }[] {
  const shared = options.database.redis;
  return PARTS.flatMap(([part, own]) => {
    const { driver, redis } = options[part] ?? {};
    if (driver !== "redis") return [];
    const clusterNodes = redis?.clusterMode ? shared.clusterNodes : [];
    const ofPart = { ...shared, ...asOptions(redis?.[own]), clusterNodes };
    return [{ name: `${part}.redis.${own}`, options: ofPart }];
  });
}
