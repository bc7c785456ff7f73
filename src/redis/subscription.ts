import { checkAlive } from "./check-alive.ts";
import { RedisError } from "./errors.ts";
import type { RedisClient } from "./library.ts";
import { runIdOf } from "./server-info.ts";

export interface SubscriptionEvents {
  /**
   * Redis acknowledged the subscription: from now on, and until `lost`, nothing published is missed. With the server's run
   * id, if it tells that.
   */
  readonly subscribed: (run: string | undefined) => void;
  readonly lost: () => void;
  readonly message: (payload: string, channel: string) => void;
  readonly failed: (error: RedisError) => void;
}

export interface SubscriptionOptions extends SubscriptionEvents {
  /** Makes a connection that does not reconnect by itself. `attempt` counts up: a cluster has other nodes to try. */
  readonly open: (attempt: number) => RedisClient;
  readonly channels: readonly string[];
  /** How often the connection is asked for a sign of life, and how long that may take. Milliseconds. */
  readonly checkEveryMs: number;
}

export interface Subscription {
  /** Ends the connection, and makes another as if it had been lost. */
  renew(): void;
  close(): void;
}

/** Pause before the next attempt to connect: 50 ms more after each failure, up to this. */
const MAX_PAUSE_MS = 500;

/**
 * Keeps channels subscribed on a connection of their own, which is made anew whenever it ends. ioredis would connect
 * and subscribe again by itself, but it would not say when that is acknowledged, and with a cluster not even that the
 * connection was lost.
 */
export function subscribe({ open, channels, checkEveryMs, ...events }: SubscriptionOptions): Subscription {
  let connection: RedisClient;
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

  async function acknowledge(current: RedisClient): Promise<void> {
    try {
      // Asked before: most connections can be asked nothing once they are subscribed.
      const run = await runIdOf(current);
      await current.subscribe(...channels);
      failures = 0;
      if (!closed && current === connection) events.subscribed(run);
    } catch (error) {
      events.failed(new RedisError("subscribe", error));
      current.disconnect();
    }
  }

  start();
  const checks = setInterval(() => {
    if (connection.status === "ready") checkAlive(connection, checkEveryMs, events.failed);
  }, checkEveryMs);
  return {
    renew() {
      connection.disconnect();
    },
    close() {
      closed = true;
      clearInterval(checks);
      clearTimeout(timer);
      connection.disconnect();
    },
  };
}
