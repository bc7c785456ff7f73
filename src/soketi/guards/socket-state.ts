import type { GuardedServer, GuardedSocket } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";
import { whenMade } from "./when-made.ts";

/** Where a connection is in its life. */
export interface SocketState {
  /** The client has been told that it is connected: its app is known, it is entered among the connections. */
  isEstablished: boolean;
  /** Among the connections of its app, at least once. */
  isEntered: boolean;
  isClosed: boolean;
  /** This node has ended it. */
  isEnded: boolean;
  /** soketi's metrics count it as connected. */
  isCounted: boolean;
  /** Under which user soketi keeps it; undefined while the client has not signed in. */
  userId: string | undefined;
}

/** On the socket itself: each message asks for it, and a map would be slower. */
const STATE = Symbol("app-sync");

export function stateOf(socket: GuardedSocket): SocketState {
  const owner = socket as { [STATE]?: SocketState | undefined };
  return (owner[STATE] ??= {
    isEstablished: false,
    isEntered: false,
    isClosed: false,
    isEnded: false,
    isCounted: false,
    userId: undefined,
  });
}

/** Called at each stage of a connection, before soketi's own handler. */
export interface SocketListener {
  onEstablished?(socket: GuardedSocket): void;
  onClosed?(socket: GuardedSocket): void;
}

/**
 * Keeps the state of each connection. The last thing that soketi does with a new connection is to count it, whether or
 * not metrics are enabled. (soketi 1.6.1, dist/ws-handler.js, `onOpen`.)
 */
export function trackSockets(server: GuardedServer, listeners: readonly SocketListener[]): void {
  whenMade(server, "wsHandler", (handler) => {
    wrap(handler, "onMessage", (onMessage) => (socket, ...args) => {
      const state = stateOf(socket);
      // One that is entered has its app: a soketi that does not count it keeps nobody waiting.
      if (state.isEntered && !state.isEstablished) establish(socket, listeners);
      return onMessage(socket, ...args);
    });
    wrap(handler, "onClose", (onClose) => (socket, ...args) => {
      stateOf(socket).isClosed = true;
      for (const listener of listeners) listener.onClosed?.(socket);
      return onClose(socket, ...args);
    });
  });
  wrap(server, "setAdapter", (setAdapter) => (adapter) => {
    wrap(adapter, "addSocket", (addSocket) => (appId, socket) => {
      stateOf(socket).isEntered = true;
      return addSocket(appId, socket);
    });
    return setAdapter(adapter);
  });
  wrap(server, "setMetricsManager", (setMetricsManager) => (manager) => {
    wrap(manager, "markNewConnection", (markNewConnection) => (socket) => {
      markNewConnection(socket);
      if (!stateOf(socket).isClosed) establish(socket, listeners);
    });
    return setMetricsManager(manager);
  });
}

function establish(socket: GuardedSocket, listeners: readonly SocketListener[]): void {
  stateOf(socket).isEstablished = true;
  for (const listener of listeners) listener.onEstablished?.(socket);
}
