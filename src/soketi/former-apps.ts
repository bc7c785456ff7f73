import type { SoketiServer } from "./server.ts";
import { socketsOf } from "./sockets.ts";
import { wrap } from "./wrap.ts";

/** What soketi names the last event of a caching channel. (soketi 1.6.1, dist/http-handler.js.) */
const CACHED_EVENT = /^app:(.+?):channel:.+:cache_miss$/s;

/** As long as an expired event may still be listed. */
const NEVER = Number.POSITIVE_INFINITY;

export interface FormerApps {
  /** The app was deleted. */
  gone(appId: string): void;
}

/**
 * Has soketi forget what it keeps of an app that was deleted: an app that is created under the same id is another one, and
 * would find its cached events, its rate limits and its metrics. What counts open connections goes when the last of them
 * has closed.
 *
 * In a shared cache each node forgets the events that it put there itself, so that none has to search through it.
 *
 * @param isThere whether there is such an app by now.
 */
export function forgetFormerApps(server: SoketiServer, isThere: (appId: string) => boolean): FormerApps {
  const events = rememberCachedEvents(server);
  /** Deleted, with connections that are still to be closed. */
  const closing = new Set<string>();
  const isOpen = (appId: string) => (socketsOf(server, appId)?.size ?? 0) > 0;
  const forget = (appId: string) => {
    events.forget(appId);
    forgetLimiters(server, appId);
    forgetMetrics(server, appId, isOpen(appId));
  };
  afterEachRemoved(server, (appId, socketId) => {
    forgetLimiter(server, appId, `frontend:events:${socketId}`);
    if (!closing.has(appId) || isOpen(appId)) return;
    closing.delete(appId);
    if (!isThere(appId)) forget(appId);
  });
  return {
    gone(appId) {
      if (isOpen(appId)) closing.add(appId);
      forget(appId);
    },
  };
}

function afterEachRemoved(server: SoketiServer, onRemoved: (appId: string, socketId: string) => void): void {
  wrap(server, "setAdapter", (setAdapter) => (adapter) => {
    wrap(adapter, "removeSocket", (removeSocket) => async (appId, socketId) => {
      const removed = await removeSocket(appId, socketId);
      onRemoved(appId, socketId);
      return removed;
    });
    return setAdapter(adapter);
  });
}

/** The names of the events that this node has put into soketi's cache, for as long as they are there. */
function rememberCachedEvents(server: SoketiServer): { forget(appId: string): void } {
  /** App id -> name -> when it expires. The next to expire is first: all have the same time. */
  const names = new Map<string, Map<string, number>>();
  wrap(server, "setCacheManager", (setCacheManager) => (manager) => {
    wrap(manager, "set", (set) => (name, value, ttlSeconds) => {
      const appId = CACHED_EVENT.exec(name)?.[1];
      if (appId !== undefined) remember(appId, name, ttlSeconds);
      return set(name, value, ttlSeconds);
    });
    return setCacheManager(manager);
  });
  function remember(appId: string, name: string, ttlSeconds = -1): void {
    const ofApp = names.get(appId) ?? new Map<string, number>();
    names.set(appId, ofApp);
    ofApp.delete(name);
    ofApp.set(name, ttlSeconds > 0 ? Date.now() + ttlSeconds * 1_000 : NEVER);
    for (const [oldest, expiresAt] of ofApp) {
      if (expiresAt > Date.now()) break;
      ofApp.delete(oldest);
    }
  }
  return {
    forget(appId) {
      const ofApp = names.get(appId);
      names.delete(appId);
      for (const name of ofApp?.keys() ?? []) {
        // soketi's cache cannot delete; an empty event is none to it. What Redis refuses, soketi's own connection tells of.
        server.cacheManager?.set(name, "", 1).then(undefined, () => undefined);
      }
    },
  };
}

/** Those for each client go with its connection. */
function forgetLimiters(server: SoketiServer, appId: string): void {
  forgetLimiter(server, appId, "backend:events");
  forgetLimiter(server, appId, "backend:request_read");
}

/** Limiters in Redis expire by themselves, and are not listed. */
function forgetLimiter(server: SoketiServer, appId: string, name: string): void {
  const limiters = server.rateLimiter?.driver?.rateLimiters;
  if (limiters) Reflect.deleteProperty(limiters, `${appId}:${appId}:${name}`);
}

function forgetMetrics(server: SoketiServer, appId: string, isOpen: boolean): void {
  const driver = server.metricsManager?.driver;
  if (!driver?.metrics || !driver.getTags) return;
  const { connectedSockets, ...others } = driver.metrics;
  const labels = driver.getTags(appId);
  for (const metric of Object.values(others)) metric?.remove(labels);
  // It would count below 0 when those that are open close.
  if (!isOpen) connectedSockets?.remove(labels);
}
