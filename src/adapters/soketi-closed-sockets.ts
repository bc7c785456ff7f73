import type { SoketiServer, SoketiSocket, SoketiWsHandler } from "./soketi.ts";

/**
 * Keeps a client that leaves while its app is being looked up from ending the process. soketi then ends a socket that is
 * closed already, uWebSockets.js throws, and the rejection reaches soketi's handler of uncaught errors, which shuts the
 * server down; an app that is not known, disabled or full is enough. Such a client is not entered among the connections
 * either, where nothing would ever remove it. (soketi 1.6.1, dist/ws-handler.js, `onOpen`.)
 */
export function guardClosedSockets(server: SoketiServer): void {
  const closed = new WeakSet<SoketiSocket>();
  let handler = server.wsHandler;
  // soketi makes its handler when it starts, and announces it nowhere.
  Object.defineProperty(server, "wsHandler", {
    configurable: true,
    enumerable: true,
    get: () => handler,
    set(made: SoketiWsHandler) {
      handler = made;
      watch(made, closed);
    },
  });
  const setAdapter = server.setAdapter.bind(server);
  server.setAdapter = (adapter) => {
    const addSocket = adapter.addSocket.bind(adapter);
    adapter.addSocket = (appId, socket) =>
      closed.has(socket) ? Promise.resolve(false) : addSocket(appId, socket);
    return setAdapter(adapter);
  };
}

function watch(handler: SoketiWsHandler, closed: WeakSet<SoketiSocket>): void {
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
}
