import type { SoketiAppObject, SoketiServer } from "../server.ts";
import { guardAdapters } from "./adapters.ts";
import { BodyBudget } from "./body-budget.ts";
import { guardCaches } from "./caches.ts";
import { guardConnections } from "./connections.ts";
import { guardDiscovery } from "./discovery.ts";
import type { Guards } from "./guards.ts";
import { type Lookups, possibleOnly } from "./lookups.ts";
import { MessageGuard } from "./messages.ts";
import { guardOutput } from "./output.ts";
import { RateLimiterGuard } from "./rate-limiters.ts";
import { maxUnsignedOf } from "./request-bodies.ts";
import { guardRequests, shieldResponses } from "./requests.ts";
import { type SocketListener, trackSockets } from "./socket-state.ts";
import type { GuardedServer, HttpResponse } from "./soketi-parts.ts";
import { answerUnread, sendBackUnread } from "./unread-apps.ts";
import { guardUsers } from "./users.ts";

/** The same server, seen with what is guarded of it. */
export function guarded(server: SoketiServer): GuardedServer {
  return server as unknown as GuardedServer;
}

/** Puts the guards that are on around a server that has none of its parts yet. docs/reference/soketi.md has the table of them. */
export function installGuards(server: GuardedServer, guards: Guards): void {
  const listeners: SocketListener[] = [];
  if (guards.has("messages")) listeners.push(new MessageGuard(server, guards));
  if (guards.has("drivers")) {
    listeners.push(new RateLimiterGuard(server, guards));
    guardAdapters(server, guards);
    guardCaches(server, guards);
  }
  if (guards.has("connections")) {
    guardConnections(server, guards);
    guardUsers(server);
  }
  const unsigned = new BodyBudget<HttpResponse>(() => maxUnsignedOf(server));
  if (guards.has("requests")) guardRequests(server, guards, unsigned);
  if (guards.has("requests") || guards.has("statuses")) shieldResponses(server, guards, unsigned);
  if (guards.has("discovery")) guardDiscovery(server, guards);
  if (guards.has("output")) guardOutput(guards, [process.stdout, process.stderr]);
  // Last: what it puts around a method comes first when that is called, and the others go by the state.
  trackSockets(server, listeners);
}

/** The lookups as their guard has them, where it is on. */
export function guardLookups<A>(lookups: Lookups<A>, guards: Guards): Lookups<A> {
  return guards.has("lookups") ? possibleOnly(lookups, guards) : lookups;
}

/** Has clients and publishers try again whose app could not be read, where the guard that this needs is on. */
export function tellUnread(server: GuardedServer, guards: Guards, lookups: Lookups<SoketiAppObject>): void {
  if (guards.has("connections")) sendBackUnread(server, lookups);
  if (guards.has("statuses")) answerUnread(server, lookups);
}
