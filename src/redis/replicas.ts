import { orRedisError, RedisError, silence } from "./errors.ts";
import type { RedisClient } from "./library.ts";
import { FEW_REPLICAS, type Witnesses } from "./vouched.ts";

export interface ReplicasOptions {
  readonly connection: RedisClient;
  /** How many must have what was written. */
  readonly minReplicas: number;
  /** How long they may take. Milliseconds. */
  readonly limitMs: number;
}

/**
 * Where nobody counts the primaries, replicas are what there is: one that was replaced has lost them to the new one. Sure only
 * if two primaries cannot both have so many.
 */
export function withReplicas(witnesses: Witnesses, options: ReplicasOptions): Witnesses {
  const { connection, minReplicas, limitMs } = options;
  return {
    ...witnesses,
    // The socket to write on is known only once it is there: of one that was given up before, a process that was frozen
    // meanwhile would say at each try that it broke.
    async ask() {
      if (!connection.stream?.writable) await orRedisError("be there", connection.ping());
      return witnesses.ask();
    },
    socket: () => connection.stream,
    async replicated() {
      const doing = "have it on enough replicas";
      // WAIT is about what this very connection has written.
      const { stream } = connection;
      const count = await connection.wait(minReplicas, limitMs).catch((error: unknown) => {
        throw new RedisError(doing, error);
      });
      const words =
        connection.stream === stream
          ? `expected ${minReplicas}, found ${count} within ${limitMs} ms`
          : silence(limitMs).message;
      if (connection.stream !== stream || count < minReplicas)
        throw new RedisError(doing, Object.assign(new Error(words), { code: FEW_REPLICAS }));
    },
  };
}
