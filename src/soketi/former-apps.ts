import { rememberCachedEvents } from "./cached-events.ts";
import type { SoketiServer } from "./server.ts";
import { socketsOf } from "./sockets.ts";
import { wrap } from "./wrap.ts";

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
    // soketi makes one for each app, and keeps it.
    if (!isOpen(appId)) server.adapter?.getNamespaces().delete(appId);
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
