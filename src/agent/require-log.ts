import { NoLogError } from "./errors.ts";
import type { Bus } from "./ports.ts";

/**
 * Has heartbeats fail until one has seen a log, so that there is no lease on a Redis in which no pipeline has ever
 * written: `REDIS_URL` may be another program's, and an empty Redis agrees with everything. Once a log was seen it may go
 * away again: that is for the follower to notice, and a flush.
 *
 * @param names of the log, and of the Redis that it is looked for in.
 */
export function requireLog(bus: Bus, names: { readonly log: string; readonly redis: string }): Bus {
  let hasLog = false;
  return {
    async heartbeat() {
      const tail = await bus.heartbeat();
      hasLog ||= tail.last !== undefined;
      if (hasLog) return tail;
      throw new NoLogError(names.log, names.redis);
    },
    read: (after, last) => bus.read(after, last),
    resubscribe: () => bus.resubscribe(),
  };
}
