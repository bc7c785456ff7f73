import type { RedisConnection } from "./library.ts";

/**
 * Resolves once commands can be sent; connects for that.
 *
 * @param retries how often to try again. ioredis itself tries for ever.
 * @throws what the last attempt met.
 */
export function whenReady(connection: RedisConnection, retries: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let failures = 0;
    let met: unknown;
    const onReady = () => {
      stop();
      resolve();
    };
    const onError = (error: unknown) => {
      met = error;
    };
    const onClose = () => {
      failures += 1;
      if (failures > retries) onEnd();
    };
    const onEnd = () => {
      stop();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what ioredis has told
      reject(met ?? new Error("the connection was closed"));
    };
    const listeners = [
      ["ready", onReady],
      ["error", onError],
      ["close", onClose],
      ["end", onEnd],
    ] as const;
    const stop = () => {
      for (const [event, listener] of listeners) connection.off(event, listener);
    };
    for (const [event, listener] of listeners) connection.on(event, listener);
    // What it rejects with comes as an event too, unless no name of a cluster is known: that comes here alone.
    if (connection.status === "wait") connection.connect().catch((error: unknown) => (met ??= error));
    else if (connection.status === "end") onEnd();
  });
}
