import type { Redis } from "ioredis";
import { RedisError, type RedisConnection } from "./redis.ts";

export interface SubscriptionEvents {
  /** Redis acknowledged the subscription: from now on, and until `lost`, nothing published is missed. */
  subscribed(): void;
  lost(): void;
  message(payload: string): void;
  failed(error: RedisError): void;
}

export interface Subscription {
  /** Asks the connection for a sign of life. When none comes within the time, it is cut, and made anew. */
  checkAlive(limitMs: number): void;
  close(): void;
}

/**
 * Keeps one channel subscribed on a connection of its own. ioredis would subscribe again by itself, but would not say
 * when that is acknowledged; so it is told not to, and this does it at each `ready`.
 */
export function subscribe(
  connection: RedisConnection,
  channel: string,
  events: SubscriptionEvents,
): Subscription {
  let closed = false;
  let checking = false;

  async function onReady(): Promise<void> {
    try {
      await connection.subscribe(channel);
      events.subscribed();
    } catch (error) {
      events.failed(new RedisError("subscribe", error));
      if (!closed) cut(connection);
    }
  }

  connection.on("ready", () => void onReady());
  connection.on("close", () => {
    events.lost();
  });
  connection.on("error", (error: unknown) => {
    events.failed(new RedisError("keep the subscriber's connection", error));
  });
  connection.on("message", (from: string, payload: string) => {
    if (from === channel) events.message(payload);
  });
  // A refused first attempt is told by `error`, and made again by ioredis.
  connection.connect().catch(() => undefined);

  return {
    checkAlive(limitMs) {
      if (checking || closed || connection.status !== "ready") return;
      checking = true;
      let timer: NodeJS.Timeout | undefined = undefined;
      const silent = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`expected an answer to PING within ${limitMs} ms, found silence`));
        }, limitMs);
      });
      Promise.race([connection.ping(), silent])
        .catch((error: unknown) => {
          events.failed(new RedisError("answer on the subscriber's connection", error));
          if (!closed) cut(connection);
        })
        .finally(() => {
          clearTimeout(timer);
          checking = false;
        });
    },
    close() {
      closed = true;
      connection.disconnect();
    },
  };
}

/** Ends the socket, and lets ioredis make a new one. */
export function cut(connection: RedisConnection): void {
  (connection as Redis).disconnect(true);
}
