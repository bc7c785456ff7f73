import type { SoketiHttpHandler, SoketiServer } from "./server.ts";
import { wrap } from "./wrap.ts";

const NOT_YET = "The agent of soketi-app-sync has not synced yet. Choose another server.";

/**
 * Has soketi's `/ready` answer 503 until the agent was in sync with the log once: until then whatever this node has cached
 * is unproven. Losing the lease later does not take the node out: what it serves is bounded then, and all nodes lose
 * theirs together when Redis is away.
 */
export function readyWhenSynced(server: SoketiServer, leaseHeld: () => boolean): void {
  let synced = false;
  // soketi makes its HTTP handler just before this, and its routes look `ready` up at each request.
  wrap(server, "configureHttp", (configureHttp) => (app) => {
    const handler = server.httpHandler;
    if (handler) guardReady(handler, () => (synced ||= leaseHeld()));
    return configureHttp(app);
  });
}

function guardReady(handler: SoketiHttpHandler, isSynced: () => boolean): void {
  wrap(handler, "ready", (ready) => (response) => {
    if (isSynced()) return ready(response);
    response.cork(() => {
      // The status first: what is written after a header, as soketi's own errors are, goes out as 200.
      response.writeStatus("503 Service Unavailable").writeHeader("Retry-After", "1").end(NOT_YET);
    });
    return undefined;
  });
}
