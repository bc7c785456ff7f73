import { allChannels } from "./all-channels.ts";
import type { Guards } from "./guards.ts";
import type { GuardedSocket, WsHandler } from "./soketi-parts.ts";
import { stateOf } from "./socket-state.ts";
import { wrap } from "../wrap.ts";

/** What a connection is about to do in one channel. */
interface Joining {
  /** Subscriptions that have not ended. */
  count: number;
  /** The client wants to be out of it again. */
  leaves: boolean;
}

/**
 * Has a client leave a channel after it has joined it, and only what it is in. Before soketi lets a client in, it asks other
 * nodes who is there: one that leaves meanwhile has nothing to leave yet, and is let in afterwards, until its connection
 * closes. And whatever name a client leaves, soketi says that this channel is empty now: it sends `channel_vacated` of
 * channels that nobody was in. (soketi 1.6.1, dist/ws-handler.js, `unsubscribeFromChannel`; dist/channels.)
 */
export function leaveAfterJoin(handler: WsHandler, guards: Guards): void {
  const joining = new WeakMap<GuardedSocket, Map<string, Joining>>();
  wrap(handler, "unsubscribeFromChannel", (unsubscribe) => {
    const leave: typeof unsubscribe = async (socket, channel, closing) => {
      if (socket.subscribedChannels?.has(channel) !== false) return unsubscribe(socket, channel, closing);
      guards.caught("connections", "a client left a channel that it was not in");
      return undefined;
    };
    const ended = (socket: GuardedSocket, channel: string, one: Joining) => {
      one.count -= 1;
      if (one.count > 0) return;
      joining.get(socket)?.delete(channel);
      // Not of one that has closed: it is kept out by others.
      if (one.leaves && !stateOf(socket).isClosed) void leave(socket, channel);
    };
    for (const channels of allChannels(handler)) {
      wrap(channels, "join", (join) => (socket, channel, message) => {
        const ofSocket = joining.get(socket) ?? new Map<string, Joining>();
        const one = ofSocket.get(channel) ?? { count: 0, leaves: false };
        joining.set(socket, ofSocket.set(channel, one));
        one.count += 1;
        // It wants to be in it after all, and has not left it.
        one.leaves = false;
        const joined = join(socket, channel, message);
        // soketi notes what was joined in the microtasks after this.
        const end = () => setImmediate(ended, socket, channel, one);
        joined.then(end, end);
        return joined;
      });
    }
    return async (socket, channel, closing) => {
      const pending = joining.get(socket)?.get(channel);
      if (!pending || closing === true) return leave(socket, channel, closing);
      pending.leaves = true;
      return undefined;
    };
  });
}
