import type { SoketiCache, SoketiServer } from "./server.ts";
import { wrap } from "./wrap.ts";

/** What soketi names the last event of a caching channel. (soketi 1.6.1, dist/http-handler.js.) */
const CACHED_EVENT = /^app:(.+?):channel:.+:cache_miss$/s;

/** As long as an expired event may still be listed. */
const NEVER = Number.POSITIVE_INFINITY;

/** Names of one app: soketi's Redis may hold more events than this process should hold names. */
const MAX_NAMES = 100_000;

/** Names removed in one turn of the event loop: each is a command, or a promise. */
const PER_TURN = 50;

/** How often the names of apps that cache nothing more are looked through. Milliseconds. */
const LOOK_EVERY_MS = 60_000;

export interface CachedEvents {
  /** Those of an app that is gone: as if they were not there from now on; soketi's cache loses them one after the other. */
  forget(appId: string): void;
}

/**
 * Remembers the names of the events that this node has put into soketi's cache, for as long as they are there: in a shared cache
 * each node forgets its own, so that none has to search through it.
 */
export function rememberCachedEvents(server: SoketiServer): CachedEvents {
  const events = new CachedEventNames();
  wrap(server, "setCacheManager", (setCacheManager) => (manager) => {
    events.watch(manager);
    return setCacheManager(manager);
  });
  return events;
}

class CachedEventNames implements CachedEvents {
  /** App id -> name -> when it expires. The next to expire is first: all have the same time. */
  readonly #names = new Map<string, Map<string, number>>();
  /** Names of apps that are gone, whose events are still in the cache. */
  readonly #forgotten = new Set<string>();
  #set: SoketiCache["set"] = () => Promise.resolve();
  #isRemoving = false;

  watch(manager: SoketiCache): void {
    wrap(manager, "set", (set) => {
      this.#set = set;
      return (name, value, ttlSeconds) => {
        this.#remember(name, ttlSeconds);
        return set(name, value, ttlSeconds);
      };
    });
    wrap(manager, "get", (get) => (name) => (this.#forgotten.has(name) ? Promise.resolve(null) : get(name)));
    const look = () => {
      for (const [appId, names] of this.#names) if (dropExpired(names) === 0) this.#names.delete(appId);
    };
    setInterval(look, LOOK_EVERY_MS).unref();
  }

  forget(appId: string): void {
    for (const name of this.#names.get(appId)?.keys() ?? []) this.#forgotten.add(name);
    this.#names.delete(appId);
    if (this.#isRemoving || this.#forgotten.size === 0) return;
    this.#isRemoving = true;
    this.#removeSome();
  }

  #remember(name: string, ttlSeconds = -1): void {
    const appId = CACHED_EVENT.exec(name)?.[1];
    if (appId === undefined) return;
    // Of the app that is there now.
    this.#forgotten.delete(name);
    const names = this.#names.get(appId) ?? new Map<string, number>();
    this.#names.set(appId, names);
    names.delete(name);
    names.set(name, ttlSeconds > 0 ? Date.now() + ttlSeconds * 1_000 : NEVER);
    dropExpired(names);
    const [oldest] = names.keys();
    if (names.size > MAX_NAMES && oldest !== undefined) names.delete(oldest);
  }

  #removeSome(): void {
    let count = 0;
    for (const name of this.#forgotten) {
      if ((count += 1) > PER_TURN) break;
      this.#forgotten.delete(name);
      void this.#remove(name);
    }
    this.#isRemoving = this.#forgotten.size > 0;
    if (this.#isRemoving) setImmediate(() => this.#removeSome());
  }

  /** soketi's cache cannot delete; an empty event is none to it. */
  async #remove(name: string): Promise<void> {
    try {
      await this.#set(name, "", 1);
    } catch {
      // Redis has refused it: soketi's own connection tells of that, and the event expires.
    }
  }
}

/** @returns how many are left. */
function dropExpired(names: Map<string, number>): number {
  const now = Date.now();
  for (const [name, expiresAt] of names) {
    if (expiresAt > now) break;
    names.delete(name);
  }
  return names.size;
}
