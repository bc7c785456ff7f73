import type { AppCache } from "../agent/app-cache.ts";
import type { SoketiAppObject, SoketiServer, SoketiSocket, SoketiWsHandler } from "./server.ts";

/**
 * Keeps a client that leaves while its app is being looked up from ending the process. soketi then ends a socket that is
 * closed already, uWebSockets.js throws, and the rejection reaches soketi's handler of uncaught errors, which shuts the
 * server down; an app that is not known, disabled or full is enough. Such a client is not entered among the connections
 * either, where nothing would ever remove it. (soketi 1.6.1, dist/ws-handler.js, `onOpen`.)
 */
export function guardClosedSockets(server: SoketiServer): void {
  const closed = new WeakSet<SoketiSocket>();
  whenMade(server, (handler) => {
    const onOpen = handler.onOpen.bind(handler);
    handler.onOpen = (socket) => {
      const end = socket.end.bind(socket);
      socket.end = (...args) => {
        if (!closed.has(socket)) end(...args);
      };
      return onOpen(socket);
    };
    const onClose = handler.onClose.bind(handler);
    handler.onClose = (socket, ...args) => {
      closed.add(socket);
      return onClose(socket, ...args);
    };
  });
  const setAdapter = server.setAdapter.bind(server);
  server.setAdapter = (adapter) => {
    const addSocket = adapter.addSocket.bind(adapter);
    adapter.addSocket = (appId, socket) =>
      closed.has(socket) ? Promise.resolve(false) : addSocket(appId, socket);
    return setAdapter(adapter);
  };
}

/** Of Pusher's codes those that a client comes back after, "after 1 s or more": 4100 to 4199. */
const COME_BACK = {
  code: 4100,
  message: "The app cannot be read from the table at the moment. Please reconnect shortly.",
};

/**
 * Has clients come back whose app could not be read. soketi says 4001 to them, "no such app", and then they never do: an
 * outage of DynamoDB would last for as long as their browsers' tabs. Needs `guardClosedSockets`, since soketi goes on to
 * end what is closed here.
 */
export function sendBackUnread(
  server: SoketiServer,
  cache: Pick<AppCache<SoketiAppObject>, "findByKey">,
): void {
  whenMade(server, (handler) => {
    handler.checkForValidApp = async (socket) => {
      const errors: unknown[] = [];
      const app = await cache.findByKey(socket.appKey, (error) => errors.push(error));
      if (!app && errors.length > 0) {
        socket.sendJson({ event: "pusher:error", data: COME_BACK });
        socket.end(COME_BACK.code);
      }
      return app;
    };
  });
}

/** soketi makes its handler when it starts, and announces it nowhere. */
function whenMade(server: SoketiServer, change: (handler: SoketiWsHandler) => void): void {
  const before = Object.getOwnPropertyDescriptor(server, "wsHandler");
  let handler = server.wsHandler;
  Object.defineProperty(server, "wsHandler", {
    configurable: true,
    enumerable: true,
    get: () => handler,
    set(made: SoketiWsHandler) {
      before?.set?.call(server, made);
      handler = made;
      change(made);
    },
  });
}
