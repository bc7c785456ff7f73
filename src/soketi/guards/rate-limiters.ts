import type { Guards } from "./guards.ts";
import { type SocketListener, stateOf } from "./socket-state.ts";
import type { Consume, GuardedServer, GuardedSocket, RateLimiter } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";

const WHERE = "drivers";

/** What soketi itself makes of a limiter that does not answer. */
const REFUSED = { canContinue: false, rateLimiterRes: null, headers: {} };

/**
 * Keeps a rate limiter that fails from ending the process, and those of single connections from staying when these have
 * closed: soketi never drops one. (soketi 1.6.1, dist/rate-limiters/local-rate-limiter.js.)
 */
export class RateLimiterGuard implements SocketListener {
  #limiter: RateLimiter | undefined;

  constructor(server: GuardedServer, guards: Guards) {
    wrap(server, "setRateLimiter", (setRateLimiter) => (limiter) => {
      this.#limiter = limiter;
      // In the node's memory: it has an answer at once, and a timer for each message would be most of its cost.
      const isLocal = server.options.rateLimiter?.driver === "local";
      for (const name of ["consumeBackendEventPoints", "consumeReadRequestsPoints"] as const) {
        wrap(limiter, name, (consume) => settled(consume, guards, isLocal));
      }
      wrap(limiter, "consumeFrontendEventPoints", (consume) => {
        const settle = settled(consume, guards, isLocal);
        return (points, app, socket) =>
          // It would get a limiter that nobody drops any more.
          socket && stateOf(socket).isClosed ? Promise.resolve(REFUSED) : settle(points, app, socket);
      });
      wrap(limiter, "disconnect", (disconnect) => () => guards.endOf("the rate limiter", disconnect));
      return setRateLimiter(limiter);
    });
  }

  onClosed({ id, app }: GuardedSocket): void {
    const limiters = this.#limiter?.driver?.rateLimiters;
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- soketi keeps them in an object
    if (app && limiters) delete limiters[`${app.id}:${app.id}:frontend:events:${id}`];
  }
}

function settled(consume: Consume, guards: Guards, isLocal: boolean): Consume {
  return (points, app, socket) => {
    const ask = () => consume(points, app, socket);
    return isLocal
      ? guards.settle(WHERE, "a rate limiter", ask, REFUSED)
      : guards.answer(WHERE, "a rate limiter", ask, REFUSED);
  };
}
