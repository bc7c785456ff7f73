import type { Connection, ConnectionLimits, Connections } from "../agent/ports.ts";
import { previousSecretOf } from "./app-objects.ts";
import type { GuardedServer } from "./guards/soketi-parts.ts";
import { whenMade } from "./guards/when-made.ts";
import type { SoketiAppObject, SoketiServer, SoketiSocket } from "./server.ts";
import { noteOpened, requestSignIn } from "./sign-in-requests.ts";
import { wrap } from "./wrap.ts";

/** Those of one app on this node, by id. There are none before soketi's adapter is set. */
export function socketsOf(
  server: Pick<SoketiServer, "adapter">,
  appId: string,
): ReadonlyMap<string, SoketiSocket> | undefined {
  return server.adapter?.getNamespaces().get(appId)?.sockets;
}

/** The open connections of a soketi server. It has none before its adapter is set. */
export function soketiConnections(server: SoketiServer): Connections<SoketiAppObject> {
  return {
    appIds: () =>
      [...(server.adapter?.getNamespaces().keys() ?? [])].filter((appId) => socketsOf(server, appId)?.size),
    has: (appId) => (socketsOf(server, appId)?.size ?? 0) > 0,
    of: (appId) => each(server, socketsOf(server, appId)?.values() ?? []),
  };
}

/** As soketi counts for a new connection: in the whole fleet. */
export function soketiConnectionLimits(server: SoketiServer): ConnectionLimits<SoketiAppObject> {
  return {
    async surplus(appId, { maxConnections }) {
      const limit = Number.parseInt(String(maxConnections)) || -1;
      const own = socketsOf(server, appId)?.size ?? 0;
      if (limit < 0 || own === 0 || !server.adapter) return 0;
      const all = Math.max(own, await server.adapter.getSocketsCount(appId));
      return all <= limit ? 0 : ((all - limit) * own) / all;
    },
    newest(appId, count) {
      const sockets = [...(socketsOf(server, appId)?.values() ?? [])];
      return each(server, sockets.slice(Math.max(0, sockets.length - count)));
    },
  };
}

/** One at a time: for 50,000 of them at once the event loop would stand still. A Map may change while it is walked through. */
function* each(server: SoketiServer, sockets: Iterable<SoketiSocket>): Iterable<Connection<SoketiAppObject>> {
  for (const socket of sockets) yield new SocketConnection(server, socket);
}

/** A class, not a literal with four closures: it is made for each connection of a changed app. */
class SocketConnection implements Connection<SoketiAppObject> {
  readonly #server: SoketiServer;
  readonly #socket: SoketiSocket;

  constructor(server: SoketiServer, socket: SoketiSocket) {
    this.#server = server;
    this.#socket = socket;
  }

  get id(): string {
    return this.#socket.id;
  }

  get key(): string {
    return this.#socket.appKey;
  }

  has(app: SoketiAppObject): boolean {
    return isOf(this.#socket, app);
  }

  hasSecretOf(app: SoketiAppObject): boolean {
    const secret = this.#socket.app?.secret;
    // A rotation with an overlap gives nobody up who has the previous one.
    return secret === app.secret || secret === previousSecretOf(app)?.secret;
  }

  replace(app: SoketiAppObject): void {
    this.#socket.app = sharedForWebSocket(app);
    requestSignIn(this.#server, this.#socket, app);
  }

  close(code: number, message: string): void {
    closedHere.add(this.#socket);
    try {
      this.#socket.sendJson({ event: "pusher:error", data: { code, message } });
      this.#socket.end(code);
    } catch {
      // uWebSockets.js throws on a socket that has closed meanwhile, which is what was wanted.
    }
  }
}

/** By the agent. */
const closedHere = new WeakSet<SoketiSocket>();

const NORMAL = 1000;

/**
 * Has soketi remove the connections that the agent closes, whatever the code. It takes 4200 for the end of one that it has
 * removed itself, when it stops: it would count it for ever. (soketi 1.6.1, dist/ws-handler.js, `onClose`.)
 */
export function removeClosedHere(server: GuardedServer): void {
  whenMade(server, "wsHandler", (handler) => {
    wrap(
      handler,
      "onClose",
      (onClose) =>
        (socket, code, ...args) =>
          onClose(socket, closedHere.has(socket) ? NORMAL : code, ...args),
    );
  });
}

/**
 * soketi makes an app object for each connection, and never writes to it. 50,000 connections can share one, which
 * spares the garbage collector a long pause.
 */
function sharedForWebSocket(app: SoketiAppObject): SoketiAppObject {
  let shared = forWebSocket.get(app);
  if (!shared) forWebSocket.set(app, (shared = app.forWebSocket()));
  return shared;
}

const forWebSocket = new WeakMap<SoketiAppObject, SoketiAppObject>();

/** Whether the connection's app was made from the same item as this one: the instances are never the same. */
function isOf(socket: SoketiSocket, app: SoketiAppObject): boolean {
  return socket.app?.initialApp === app.initialApp;
}

/**
 * Between the lookup of a new connection's app and its entry among the connections, soketi waits for the fleet's
 * connection count. An app that changes in between would stay with that connection for as long as it lives, so each
 * entry is checked. soketi enters a connection again with each of its subscriptions, so this must cost little.
 *
 * @param onEntered told of each connection that is entered, after that.
 */
export function watchNewConnections(
  server: SoketiServer,
  onEntered: (appId: string, connection: Connection<SoketiAppObject>) => void,
): void {
  wrap(server, "setAdapter", (setAdapter) => (adapter) => {
    wrap(adapter, "addSocket", (addSocket) => async (appId, socket) => {
      const added = await addSocket(appId, socket);
      noteOpened(socket);
      onEntered(appId, new SocketConnection(server, socket));
      return added;
    });
    return setAdapter(adapter);
  });
}
