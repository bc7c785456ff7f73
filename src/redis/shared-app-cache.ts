import type { SharedCacheConfig } from "../config/shared-cache.ts";
import { SOCKUDO_FORMAT, SOKETI_FORMAT } from "../pipeline/cache-format.ts";
import type { AppCacheStore, AppsReader } from "../pipeline/ports.ts";
import { SharedCache } from "../pipeline/shared-cache.ts";
import { createAppCache } from "./app-cache.ts";
import type { RedisConnection } from "./library.ts";

/** Every format that is set, on one connection. */
export function createSharedCache(
  connection: RedisConnection,
  { mode, soketi, sockudo }: SharedCacheConfig,
  table?: AppsReader,
): SharedCache {
  const stores = [
    ...(soketi ? [createSoketiAppCache(connection, soketi)] : []),
    ...(sockudo ? [createSockudoAppCache(connection, sockudo)] : []),
  ];
  return new SharedCache({ mode, stores, table });
}

/** Both servers keep the last event of a cache channel beside their apps (soketi's dist/ws-handler.js). */
const CHANNEL_CACHE = /:channel:.*:cache_miss$/s;
/** What sockudo notes of a publisher's calls, to take each once (crates/sockudo-server/src/http_handler/events). */
const IDEMPOTENCY = /:(batch-)?idempotency:/;

/**
 * soketi's app cache with `SOKETI_CACHE_DRIVER=redis`: `app:<id>` and `app:<key>`, each a JSON text (dist/app-managers/
 * app-manager.js, dist/cache-managers/redis-cache-manager.js).
 */
export function createSoketiAppCache(
  connection: RedisConnection,
  { keyPrefix, ttlSeconds }: NonNullable<SharedCacheConfig["soketi"]>,
): AppCacheStore {
  return createAppCache(connection, {
    format: SOKETI_FORMAT,
    prefix: `${keyPrefix}app:`,
    ttlSeconds,
    isEntry: (name) => !CHANNEL_CACHE.test(name),
  });
}

/**
 * sockudo's app cache with its cache driver `redis`: `<prefix>:app:id:<id>` and `<prefix>:app:key:<key>`, each a JSON text
 * (crates/sockudo-app/src/cached_app_manager.rs, crates/sockudo-cache/src/redis_cache_manager.rs). They must not end: where there is
 * none, a node that has no table of its own takes the app for unknown.
 */
export function createSockudoAppCache(
  connection: RedisConnection,
  { prefix }: NonNullable<SharedCacheConfig["sockudo"]>,
): AppCacheStore {
  return createAppCache(connection, {
    format: SOCKUDO_FORMAT,
    prefix: `${prefix}:app:`,
    ttlSeconds: 0,
    // An app may be named "id" or "key", and what is kept for it begins with its name.
    isEntry: (name) => /^(id|key):/.test(name) && !CHANNEL_CACHE.test(name) && !IDEMPOTENCY.test(name),
  });
}
