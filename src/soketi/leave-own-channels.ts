import type { SoketiNamespace, SoketiServer, SoketiSocket } from "./server.ts";
import { wrap } from "./wrap.ts";

/**
 * Has a connection that closes leave the channels that it is in. soketi goes through all channels of the app instead: where
 * each of 50,000 connections has one of its own, that takes milliseconds for each connection, and closing them all holds
 * the event loop for minutes. (soketi 1.6.1, dist/namespace.js, `removeSocket`.)
 */
export function leaveOwnChannels(server: SoketiServer): void {
  const channelsOf = new WeakMap<SoketiSocket, Set<string>>();
  const changed = new WeakSet<SoketiNamespace>();
  wrap(server, "setAdapter", (setAdapter) => (adapter) => {
    wrap(adapter, "addSocket", (addSocket) => async (appId, socket) => {
      if (!channelsOf.has(socket)) channelsOf.set(socket, new Set());
      const added = await addSocket(appId, socket);
      const namespace = adapter.getNamespaces().get(appId);
      if (namespace && !changed.has(namespace)) change(namespace, channelsOf);
      if (namespace) changed.add(namespace);
      return added;
    });
    wrap(adapter, "addToChannel", (addToChannel) => (appId, channel, socket) => {
      // Of one that was never entered it is not known which channels it is in.
      channelsOf.get(socket)?.add(channel);
      return addToChannel(appId, channel, socket);
    });
    wrap(adapter, "removeFromChannel", (removeFromChannel) => async (appId, channel, socketId) => {
      const namespace = adapter.getNamespaces().get(appId);
      const socket = namespace?.sockets.get(socketId);
      const removed = await removeFromChannel(appId, channel, socketId);
      const channels = socket && channelsOf.get(socket);
      for (const left of Array.isArray(channel) ? channel : [channel]) {
        // Other nodes were asked how many are left: meanwhile it may have joined again.
        if (!namespace?.channels.get(left)?.has(socketId)) channels?.delete(left);
      }
      return removed;
    });
    return setAdapter(adapter);
  });
}

function change(namespace: SoketiNamespace, channelsOf: WeakMap<SoketiSocket, ReadonlySet<string>>): void {
  wrap(namespace, "removeSocket", (removeSocket) => async (socketId) => {
    const socket = namespace.sockets.get(socketId);
    const channels = socket && channelsOf.get(socket);
    if (!channels) return removeSocket(socketId);
    await namespace.removeFromChannel(socketId, [...channels]);
    return namespace.sockets.delete(socketId);
  });
}
