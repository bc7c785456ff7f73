import type { SoketiAppObject } from "../server.ts";
import type { Lookups } from "./lookups.ts";
import type { GuardedServer, GuardedSocket, HttpStep } from "./soketi-parts.ts";
import { Turns } from "./turns.ts";
import { wrap } from "../wrap.ts";
import { whenMade } from "./when-made.ts";

/** Of Pusher's codes those that a client comes back after, "after 1 s or more": 4100 to 4199. */
const RECONNECT = {
  code: 4100,
  message: "The app cannot be read from the table at the moment. Please reconnect shortly.",
};

/** Seconds. As soon as a connected client comes back, too. */
const RETRY_AFTER = "1";
const UNREAD = {
  error: "The app cannot be read from the table at the moment. Please try again shortly.",
  code: 503,
};

interface Found {
  readonly app: SoketiAppObject | null;
  /** There may be such an app. */
  readonly isUnread: boolean;
}

/** Tells a client that it may connect again shortly. */
export function sendBack(socket: GuardedSocket): void {
  socket.sendJson({ event: "pusher:error", data: RECONNECT });
  socket.end(RECONNECT.code);
}

/**
 * Has clients come back whose app could not be read. soketi says 4001 to them, "no such app", and then they never do: an
 * outage of DynamoDB would last for as long as their browsers' tabs. Needs the guard of connections, since soketi goes on
 * to end what is closed here.
 */
export function sendBackUnread(server: GuardedServer, lookups: Lookups<SoketiAppObject>): void {
  // Thousands may wait for one read. One lookup is for all of a key: what each does by itself takes 10 µs when the answer comes.
  // And soketi takes a tenth of a millisecond to enter each.
  const underWay = new Map<string, Promise<Found>>();
  const turns = new Turns();
  const find = async (key: string): Promise<Found> => {
    const errors: unknown[] = [];
    const app = await lookups.findByKey(key, (error) => errors.push(error));
    underWay.delete(key);
    return { app, isUnread: !app && errors.length > 0 };
  };
  whenMade(server, "wsHandler", (handler) => {
    handler.checkForValidApp = async (socket) => {
      const { appKey } = socket;
      const found = underWay.get(appKey) ?? find(appKey);
      underWay.set(appKey, found);
      const { app, isUnread } = await found;
      await turns.pass();
      if (isUnread) sendBack(socket);
      return app;
    };
  });
}

/**
 * Has publishers try again whose app could not be read. soketi says 404 to them, "no such app", and their libraries take
 * that for final. Needs the guard of statuses: with a status of 200 nobody tries again.
 */
export function answerUnread(server: GuardedServer, lookups: Lookups<SoketiAppObject>): void {
  whenMade(server, "httpHandler", (handler) => {
    const find = async (...[response, next]: Parameters<HttpStep>) => {
      const { appId } = response.params;
      const errors: unknown[] = [];
      const app = await lookups.findById(appId, (error) => errors.push(error));
      if (app) {
        response.app = app;
        next(null, response);
      } else if (errors.length > 0) {
        response.writeHeader("Retry-After", RETRY_AFTER);
        handler.sendJson(response, UNREAD, "503 Service Unavailable");
      } else {
        handler.notFoundResponse(response, `The app ${appId} could not be found.`);
      }
    };
    // No async function: soketi's steps are run by a library that gives such a one no `next`.
    wrap(handler, "appMiddleware", () => (response, next) => find(response, next));
  });
}
