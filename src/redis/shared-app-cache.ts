import type { AppCacheStore } from "../pipeline/ports.ts";
import { orRedisError, RedisError } from "./errors.ts";
import type { RedisClient, RedisConnection } from "./library.ts";
import { RELEASE_CACHED_APP, runScript } from "./scripts.ts";

export interface SoketiAppCacheOptions {
  /** soketi's `DB_REDIS_KEY_PREFIX`, before every key. */
  readonly keyPrefix: string;
  /** soketi's `APP_MANAGER_CACHE_TTL`, in seconds; 0 or less is for ever. */
  readonly ttlSeconds: number;
}

/** Commands that are under way at a time, and keys of one SCAN. */
const CONCURRENCY = 500;

/** soketi keeps the last event of a cache channel beside its apps (dist/ws-handler.js). */
const CHANNEL_CACHE = /:channel:.*:cache_miss$/s;

/**
 * soketi's app cache with `SOKETI_CACHE_DRIVER=redis`: `app:<id>` and `app:<key>`, each a JSON text (dist/app-managers/
 * app-manager.js, dist/cache-managers/redis-cache-manager.js). In a cluster they are anywhere, so that each is a command
 * of its own; they go out together all the same.
 */
export function createSoketiAppCache(
  connection: RedisConnection,
  { keyPrefix, ttlSeconds }: SoketiAppCacheOptions,
): AppCacheStore {
  const prefix = `${keyPrefix}app:`;
  const keyOf = (name: string) => `${prefix}${name}`;
  return {
    read: (names) =>
      inPages(names, "read the shared app cache", async (name) => {
        const json = await connection.get(keyOf(name));
        // soketi writes an empty text for an app that it did not find, and reads it as nothing.
        return json === null || json === "" ? undefined : json;
      }),

    async write(entries) {
      await inPages(entries, "write to the shared app cache", ({ name, json }) =>
        ttlSeconds > 0
          ? connection.set(keyOf(name), json, "EX", ttlSeconds)
          : connection.set(keyOf(name), json),
      );
    },

    async remove(names) {
      await inPages(names, "remove from the shared app cache", (name) => connection.unlink(keyOf(name)));
    },

    async release(entries) {
      const doing = "remove from the shared app cache";
      await inPages(entries, doing, ({ name, appId }) =>
        runScript(connection, RELEASE_CACHED_APP, [keyOf(name)], [appId], doing),
      );
    },

    async touch(names) {
      if (ttlSeconds <= 0) return;
      await inPages(names, "write to the shared app cache", (name) =>
        connection.expire(keyOf(name), ttlSeconds),
      );
    },

    async *names() {
      for (const node of await mastersOf(connection, prefix)) {
        let cursor = "0";
        do {
          const [next, keys] = await scan(node, cursor, `${escapeGlob(prefix)}*`);
          cursor = next;
          const names = keys
            .map((key) => key.slice(prefix.length))
            .filter((name) => !CHANNEL_CACHE.test(name));
          if (names.length > 0) yield names;
        } while (cursor !== "0");
      }
    },
  };
}

async function scan(node: RedisClient, cursor: string, pattern: string): Promise<[string, string[]]> {
  return orRedisError("scan the shared app cache", node.scan(cursor, "MATCH", pattern, "COUNT", CONCURRENCY));
}

/**
 * A cluster knows its nodes only once it is connected, which any command brings about.
 *
 * @param key one that the user may read.
 */
async function mastersOf(connection: RedisConnection, key: string): Promise<RedisClient[]> {
  if (!("nodes" in connection)) return [connection];
  await inPages([key], "find the masters", (name) => connection.exists(name));
  const masters = connection.nodes("master");
  if (masters.length === 0) throw new RedisError("find the masters", "the cluster named none");
  return masters;
}

/** Errors of ioredis hold the command's arguments, here whole apps: they are put in Redis' own words. */
async function inPages<T, R>(
  items: readonly T[],
  doing: string,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += CONCURRENCY) {
    results.push(
      ...(await orRedisError(doing, Promise.all(items.slice(from, from + CONCURRENCY).map(work)))),
    );
  }
  return results;
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, "\\$&");
}
