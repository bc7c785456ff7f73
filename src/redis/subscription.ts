import type { Redis } from "ioredis";
import { RedisError } from "./connection.ts";

export interface SubscriptionEvents {
  /** Redis acknowledged the subscription: from now on, and until `lost`, nothing published is missed. */
  subscribed(): void;
  lost(): void;
  message(payload: string, channel: string): void;
  failed(error: RedisError): void;
}

export interface Subscription {
  /** Asks the connection for a sign of life. When none comes within the time, it is cut, and made anew. */
  checkAlive(limitMs: number): void;
  close(): void;
}

/** Pause before the next attempt to connect: 50 ms more after each failure, up to this. */
const MAX_PAUSE_MS = 500;

/**
 * Keeps channels subscribed on a connection of their own, which is made anew whenever it ends. ioredis would connect
 * and subscribe again by itself, but it would not say when that is acknowledged, and with a cluster not even that the
 * connection was lost.
 *
 * @param open a connection that does not reconnect by itself. `attempt` counts up: a cluster has other nodes to try.
 */
export function subscribe(
  open: (attempt: number) => Redis,
  channels: readonly string[],
  events: SubscriptionEvents,
): Subscription {
  let connection: Redis;
  let attempt = 0;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function start(): void {
    const current = open(attempt);
    connection = current;
    attempt += 1;
    current.on("message", (from: string, payload: string) => {
      if (channels.includes(from)) events.message(payload, from);
    });
    current.on("error", (error: unknown) => {
      events.failed(new RedisError("keep the subscriber's connection", error));
    });
    current.on("end", () => {
      events.lost();
      if (closed) return;
      failures += 1;
      timer = setTimeout(start, Math.min(failures * 50, MAX_PAUSE_MS));
    });
    current.on("ready", () => void acknowledge(current));
    // A failed attempt is told by `error` and `end`.
    current.connect().catch(() => undefined);
  }

  async function acknowledge(current: Redis): Promise<void> {
    try {
      await current.subscribe(...channels);
      failures = 0;
      if (!closed && current === connection) events.subscribed();
    } catch (error) {
      events.failed(new RedisError("subscribe", error));
      current.disconnect();
    }
  }

  start();
  return {
    checkAlive(limitMs) {
      const current = connection;
      if (closed || current.status !== "ready") return;
      const silent = setTimeout(() => {
        events.failed(
          new RedisError("answer PING", new Error(`silence for ${limitMs} ms on the subscriber`)),
        );
        current.disconnect();
      }, limitMs);
      const stop = () => {
        clearTimeout(silent);
      };
      // A PING that fails ends with its connection, which is told by `end`.
      current.ping().then(stop, stop);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      connection.disconnect();
    },
  };
}
