import type { GuardedServer, GuardedSocket, WsHandler } from "./soketi-parts.ts";
import { leaveAfterJoin } from "./leave-after-join.ts";
import { LeftMemberError } from "../errors.ts";
import type { Guards } from "./guards.ts";
import { stateOf } from "./socket-state.ts";
import { sendBack } from "./unread-apps.ts";
import { wrap } from "../wrap.ts";
import { whenMade } from "./when-made.ts";

const WHERE = "connections";

/** What soketi does not clean up after: it takes it for the end of a connection that it has ended itself. */
const SERVER_CLOSED = 4200;
const NORMAL = 1000;

/**
 * Keeps a client that leaves at an unfortunate moment from ending the process, and from being counted or entered for
 * ever. A client that leaves while its app is looked up is ended again by soketi, uWebSockets.js throws, and the rejection
 * reaches soketi's handler of uncaught errors; an app that is not known, disabled or full is enough. One that closes with
 * 4200 is never removed at all. (soketi 1.6.1, dist/ws-handler.js, `onOpen`, `onClose`.)
 */
export function guardConnections(server: GuardedServer, guards: Guards): void {
  whenMade(server, "wsHandler", (handler) => {
    wrap(handler, "handleUpgrade", (handleUpgrade) => (...args) => {
      guards.run(WHERE, "an upgrade to a WebSocket", () => handleUpgrade(...args));
    });
    wrap(handler, "onOpen", (onOpen) => (socket) => {
      endOnlyOnce(socket, guards);
      return guards.run(WHERE, "a connection that opened", () => onOpen(socket));
    });
    wrap(handler, "checkForValidApp", (checkForValidApp) => async (socket) => {
      try {
        return await checkForValidApp(socket);
      } catch (error) {
        guards.caught(WHERE, "the lookup of a connection's app", error);
        sendBack(socket);
        return null;
      }
    });
    wrap(handler, "onClose", (onClose) => (socket, code, ...args) => {
      const isOurs = code !== SERVER_CLOSED || server.closing === true;
      // Whoever has not signed in is not waited for any more: soketi would keep it for that, and then end it again.
      clearTimeout(socket.userAuthenticationTimeout);
      return guards.run(WHERE, "a connection that closed", () =>
        onClose(socket, isOurs ? code : NORMAL, ...args),
      );
    });
    wrap(
      handler,
      "unsubscribeFromChannel",
      (unsubscribe) =>
        (...args) =>
          guards.settle<unknown>(WHERE, "an end of a subscription", () => unsubscribe(...args), undefined),
    );
    wrap(
      handler,
      "evictSocketFromMemory",
      (evict) => (socket) =>
        guards.settle<unknown>(WHERE, "the removal of a closed connection", () => evict(socket), undefined),
    );
    keepLeftMembersOut(handler, guards);
    leaveAfterJoin(handler, guards);
  });
  keepClosedOnesOut(server);
  countOnce(server);
}

function endOnlyOnce(socket: GuardedSocket, guards: Guards): void {
  const end = socket.end.bind(socket);
  socket.end = (...args) => {
    const state = stateOf(socket);
    if (!state.isClosed) {
      state.isEnded = true;
      end(...args);
    } else if (!state.isEnded) {
      guards.caught(WHERE, "a client that had left was to be disconnected");
    }
  };
}

/**
 * A client may leave a presence channel, or altogether, while other nodes are asked who is in it: soketi would then tell all
 * of a new member, and never of its end. What is thrown here keeps it from that: it catches it, and writes it to its log.
 * (soketi 1.6.1, dist/ws-handler.js, `subscribeToChannel`.)
 */
function keepLeftMembersOut({ presenceChannelManager }: WsHandler, guards: Guards): void {
  if (!presenceChannelManager) return;
  const guarded = new WeakSet<GuardedSocket>();
  wrap(presenceChannelManager, "join", (join) => (socket, channel, message) => {
    if (!guarded.has(socket) && socket.presence) keepPresent(socket, socket.presence, guards);
    guarded.add(socket);
    return join(socket, channel, message);
  });
}

function keepPresent(socket: GuardedSocket, presence: Map<string, unknown>, guards: Guards): void {
  wrap(presence, "set", (set) => (channel, member) => {
    if (!stateOf(socket).isClosed && socket.subscribedChannels?.has(channel) !== false)
      return set(channel, member);
    guards.caught(WHERE, "a member that had left was to be announced");
    throw new LeftMemberError();
  });
}

/** Nobody would remove them: that is done when they close. */
function keepClosedOnesOut(server: GuardedServer): void {
  wrap(server, "setAdapter", (setAdapter) => (adapter) => {
    wrap(
      adapter,
      "addSocket",
      (addSocket) => (appId, socket) =>
        stateOf(socket).isClosed ? Promise.resolve(false) : addSocket(appId, socket),
    );
    // 0 connections in the channel: 1 would make soketi send `channel_occupied`.
    wrap(
      adapter,
      "addToChannel",
      (addToChannel) => (appId, channel, socket) =>
        stateOf(socket).isClosed ? Promise.resolve(0) : addToChannel(appId, channel, socket),
    );
    return setAdapter(adapter);
  });
}

/** One that left during its lookup was counted after it had gone, and is never discounted; or only discounted. */
function countOnce(server: GuardedServer): void {
  wrap(server, "setMetricsManager", (setMetricsManager) => (manager) => {
    wrap(manager, "markNewConnection", (markNewConnection) => (socket) => {
      const state = stateOf(socket);
      if (state.isClosed || state.isCounted) return;
      state.isCounted = true;
      markNewConnection(socket);
    });
    wrap(manager, "markDisconnection", (markDisconnection) => (socket) => {
      const state = stateOf(socket);
      if (!state.isCounted) return;
      state.isCounted = false;
      markDisconnection(socket);
    });
    return setMetricsManager(manager);
  });
}
