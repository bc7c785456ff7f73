import type { GuardedServer } from "./guards/soketi-parts.ts";
import { whenMade } from "./guards/when-made.ts";
import type { SoketiAppObject, SoketiServer, SoketiSocket } from "./server.ts";
import { signedChannels } from "./signed-channels.ts";
import { wrap } from "./wrap.ts";

/**
 * A connection that has been open for no longer may have been looked up before its app was changed: a lookup has 5 s, and
 * soketi then waits for the fleet's connection count. Milliseconds.
 */
const NEW_MS = 10_000;

/** By the monotonic clock. */
const openedAt = new WeakMap<SoketiSocket, number>();
/** Those that had not signed in when nobody had to any more. */
const excused = new WeakSet<SoketiSocket>();
/** Those that were let into a channel whose members are authorized: soketi waits for no sign-in of theirs. */
const authorized = new WeakSet<SoketiSocket>();

/** (soketi 1.6.1, dist/channels/private-channel-manager.js, `join`: it clears the timer.) */
export function noteAuthorized(server: GuardedServer): void {
  whenMade(server, "wsHandler", (handler) => {
    for (const [, channels] of signedChannels(handler)) {
      if (!channels) continue;
      wrap(channels, "join", (join) => async (socket, channel, message) => {
        const joined = await join(socket, channel, message);
        if (joined.success) authorized.add(socket);
        return joined;
      });
    }
  });
}

/** soketi enters a connection again with each of its subscriptions: the first time counts. */
export function noteOpened(socket: SoketiSocket): void {
  if (!openedAt.has(socket)) openedAt.set(socket, performance.now());
}

/**
 * Has a connection be waited for, or not, as its app's `EnableUserAuthentication` is from now on. soketi decides that once,
 * when a connection opens, with the app of its lookup; it waits with a timer that closes the connection with 4009. (soketi
 * 1.6.1, dist/ws-handler.js, `onOpen` and `setUserAuthenticationTimeout`.)
 *
 * Switched off, nobody is waited for any more. Switched on, it is for new connections, for those whose lookup may have been
 * earlier, and for those that were waited for before it was switched off.
 */
export function requestSignIn(
  { wsHandler }: Pick<SoketiServer, "wsHandler">,
  socket: SoketiSocket,
  { enableUserAuthentication: isAsked }: SoketiAppObject,
): void {
  if (socket.user || authorized.has(socket)) return;
  const isWaitedFor = socket.userAuthenticationTimeout !== undefined && !excused.has(socket);
  if (isAsked === isWaitedFor) return;
  if (!isAsked) {
    clearTimeout(socket.userAuthenticationTimeout);
    excused.add(socket);
  } else if (excused.delete(socket) || isNew(socket)) wsHandler?.setUserAuthenticationTimeout?.(socket);
}

function isNew(socket: SoketiSocket): boolean {
  return performance.now() - (openedAt.get(socket) ?? Number.NEGATIVE_INFINITY) < NEW_MS;
}
