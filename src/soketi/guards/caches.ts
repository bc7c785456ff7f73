import type { Guards } from "./guards.ts";
import { isMap, parsed } from "../json.ts";
import type { GuardedServer } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";

const WHERE = "drivers";

/** The last event of a cache channel. */
const EVENT = ":cache_miss";

/**
 * Keeps a cache that cannot be reached from ending the process: soketi keeps the last event of a cache channel there, and
 * catches nothing. There is no such event then, as if it had expired. (soketi 1.6.1, dist/http-handler.js,
 * `broadcastMessage`; dist/ws-handler.js, `sendMissedCacheIfExists`.)
 */
export function guardCaches(server: GuardedServer, guards: Guards): void {
  const failed = "could not read soketi's cache";
  wrap(server, "setCacheManager", (setCacheManager) => (cache) => {
    wrap(cache, "has", (has) => (key) => guards.answer(WHERE, failed, () => has(key), false));
    wrap(cache, "get", (get) => async (key) => {
      const value = await guards.answer<unknown>(WHERE, failed, () => get(key), null);
      if (!value || !key.endsWith(EVENT)) return value;
      if (typeof value === "string" && isMap(parsed(value))) return value;
      guards.caught(WHERE, "soketi's cache holds something that is not an event");
      return null;
    });
    wrap(
      cache,
      "set",
      (set) => (key, value, ttl) => guards.answer<unknown>(WHERE, failed, () => set(key, value, ttl), false),
    );
    wrap(cache, "disconnect", (disconnect) => () => guards.endOf("the cache", disconnect));
    return setCacheManager(cache);
  });
}
