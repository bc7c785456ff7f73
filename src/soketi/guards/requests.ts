import type { GuardedServer, HttpHandler, HttpResponse, RouteHandler } from "./soketi-parts.ts";
import type { BodyBudget } from "./body-budget.ts";
import { isBatch, isEvent, isEventBody } from "./event-shape.ts";
import type { Guards } from "./guards.ts";
import { checkQuery } from "./query.ts";
import { isObject } from "../json.ts";
import { INCORRECT, maxBodyOf, readSignedBodies, TOO_LARGE } from "./request-bodies.ts";
import { shieldResponse } from "./response-shield.ts";
import { wrap } from "../wrap.ts";
import { whenMade } from "./when-made.ts";

const WHERE = "requests";
/** A `Content-Length` of 0, however it is written. */
const NO_BYTES = /^0+$/;

/** soketi's own words for it. */
const FAILED = "A server error has occurred.";

/** Seconds. The bodies that take the room come in, or their clients are too slow for uWebSockets.js. */
const RETRY_AFTER = "1";
const UNAVAILABLE = "503 Service Unavailable";
const NO_ROOM = {
  error: "Too many large requests come in at the moment. Please try again shortly.",
  code: 503,
};

/**
 * Every response of soketi's two HTTP servers goes through a shield: `requests` lets it outlive its client, `statuses`
 * makes its status true.
 */
export function shieldResponses(
  server: GuardedServer,
  guards: Guards,
  unsigned: BodyBudget<HttpResponse>,
): void {
  for (const name of ["configureHttp", "configureMetricsServer"] as const) {
    wrap(server, name, (configure) => (app) => {
      for (const method of ["get", "post", "any"] as const) {
        wrap(app, method, (route) => (pattern, handler) => {
          route(pattern, shielded(server, guards, { handler, hasBody: method === "post", unsigned }));
          return app;
        });
      }
      return configure(app);
    });
  }
}

interface Route {
  readonly handler: RouteHandler;
  readonly hasBody: boolean;
  readonly unsigned: BodyBudget<HttpResponse>;
}

function shielded(
  server: GuardedServer,
  guards: Guards,
  { handler, hasBody, unsigned }: Route,
): RouteHandler {
  return (response, request) => {
    shieldResponse(response, {
      outlivesClient: guards.has("requests"),
      keepsStatus: guards.has("statuses"),
      hasNoBody: NO_BYTES.test(request.getHeader("content-length")),
      maxBody: maxBodyOf(server),
      unsigned,
      onTooLarge: () => server.httpHandler?.entityTooLargeResponse(response, TOO_LARGE),
      onNoRoom: () => refuseForRoom(server, guards, response),
      onUnanswered() {
        guards.caught(WHERE, "a request that was not answered in time");
        server.httpHandler?.serverErrorResponse(response, FAILED);
      },
      onSpared: () => guards.caught(WHERE, "a request that was aborted"),
    });
    if (!guards.has("requests")) {
      handler(response, request);
      return;
    }
    checkQuery(request);
    try {
      handler(response, request);
    } catch (error) {
      guards.caught(WHERE, "a request", error);
      const refuse = () => server.httpHandler?.badResponse(response, INCORRECT);
      // When its body has come: before, the end of the connection would take the answer with it.
      if (hasBody) response.onData(refuse);
      else refuse();
    }
  };
}

function refuseForRoom({ httpHandler }: GuardedServer, guards: Guards, response: HttpResponse): void {
  guards.caught(WHERE, "bodies over the limit of a node");
  // What has come of it is let go.
  Object.assign(response, { rawBody: "", signed: undefined });
  // The status first: without the guard of statuses, a header before it writes "200 OK".
  response.writeStatus(UNAVAILABLE).writeHeader("Retry-After", RETRY_AFTER);
  httpHandler?.sendJson(response, NO_ROOM, UNAVAILABLE);
}

/**
 * Keeps requests of the HTTP API from ending the process: soketi uses the fields of a body without looking whether they
 * are there, in promises that nobody catches. What it does refuse by itself is left to it. (soketi 1.6.1,
 * dist/http-handler.js.)
 */
export function guardRequests(
  server: GuardedServer,
  guards: Guards,
  unsigned: BodyBudget<HttpResponse>,
): void {
  whenMade(server, "httpHandler", (handler) => {
    guardSteps(handler, guards);
    readSignedBodies(handler, guards, unsigned);
    guardEvents(handler, guards);
  });
}

/** What soketi does for a request, step by step, and what it does at last: whatever fails there is answered with 500. */
function guardSteps(handler: HttpHandler, guards: Guards): void {
  wrap(handler, "attachMiddleware", (attachMiddleware) => (response, steps) => {
    const fail = (error: unknown) => {
      guards.caught(WHERE, "a request", error);
      handler.serverErrorResponse(response, FAILED);
    };
    const guarded = steps.map((step): typeof step => (of, next) => {
      try {
        const given = step.call(handler, of, next);
        // Nobody waits for it.
        if (given instanceof Promise) given.catch(fail);
      } catch (error) {
        fail(error);
      }
    });
    const prepared = attachMiddleware(response, guarded);
    // Not a promise: soketi only calls `then`, and has no catch.
    return { then: (last) => prepared.then(last).catch(fail) };
  });
}

function guardEvents(handler: HttpHandler, guards: Guards): void {
  const refuse = (response: HttpResponse) => {
    guards.caught(WHERE, "an event of a shape that soketi does not check");
    handler.badResponse(response, INCORRECT);
  };
  wrap(handler, "broadcastEventRateLimitingMiddleware", (limit) => (response, next) => {
    if (isEventBody(response.body)) limit(response, next);
    else refuse(response);
  });
  wrap(handler, "broadcastBatchEventsRateLimitingMiddleware", (limit) => (response, next) => {
    if (isBatch(response.body)) limit(response, next);
    else refuse(response);
  });
  wrap(handler, "checkMessageToBroadcast", (check) => async (event, app) => {
    const checked = await check(event, app).catch((error: unknown) => {
      // Its own refusals have one. Any other error would be answered by nobody.
      if (isObject(error) && "code" in error) throw error as unknown as Error;
      return undefined;
    });
    if (isEvent(checked)) return checked;
    guards.caught(WHERE, "an event of a shape that soketi does not check");
    // As soketi rejects, or it would answer nothing.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw { code: 400, message: INCORRECT };
  });
}
