import { isTooDeep } from "./depth.ts";
import type { Guards } from "./guards.ts";
import { isMap } from "../json.ts";
import type { DiscoveryNetwork, GuardedServer } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";

const WHERE = "discovery";

/**
 * Of the cluster's rate limiter: soketi would send the app, and its secret with it, in clear to the whole network. It
 * never comes to that, because the app refers to the server, in a circle that is no JSON; each limited event pays for the
 * attempt. Nobody is listened to either: whoever says this is no soketi.
 */
const CONSUMED = "rate_limiter:consume";

/** Bytes in a datagram of IPv4. */
const MAX_BYTES = 65_507;

/** A UUID: node-discover writes what a node says under its id, and `__proto__` would be every object's. */
const ID = /^[\da-f-]{36}$/i;

/**
 * Keeps datagrams from ending the process, and errors of the socket, to which nobody listens. An event that is larger than
 * a datagram, which soketi takes from publishers, is refused by the system without a word and reaches the clients of this
 * node only: that is told. (soketi 1.6.1's node-discover, lib/network.js, lib/discover.js.)
 */
export function guardDiscovery(server: GuardedServer, guards: Guards): void {
  const { discover } = server;
  if (!discover) return;
  if (discover.broadcast) guardNetwork(discover.broadcast, guards);
  wrap(discover, "send", (send) => (channel, data) => (channel === CONSUMED ? false : send(channel, data)));
  wrap(
    discover,
    "join",
    (join) => (channel, listener) => join(channel, channel === CONSUMED ? () => undefined : listener),
  );
}

function guardNetwork(network: DiscoveryNetwork, guards: Guards): void {
  network.socket?.on("error", (error) => {
    guards.caught(WHERE, "could not send a datagram to other nodes", error);
  });
  wrap(network, "encode", (encode) => (data, done) => {
    encode(data, (error, encoded) => {
      // A character has three bytes at most.
      const isSmall =
        encoded === null || encoded.length * 3 <= MAX_BYTES || Buffer.byteLength(encoded) <= MAX_BYTES;
      if (!isSmall) guards.caught(WHERE, "an event is too large for a datagram: other nodes do not get it");
      done(error, encoded);
    });
  });
  wrap(network, "decode", (decode) => (datagram, done) => {
    decode(datagram, (error, decoded) => {
      if (error || isOfNode(decoded)) {
        done(error, decoded);
        return;
      }
      guards.caught(WHERE, "a datagram that is of no node");
      done(new Error("expected a message of a node, found something else"));
    });
  });
  wrap(
    network,
    "emit",
    (emit) =>
      (...args) =>
        guards.run(WHERE, "a datagram of another node", () => emit(...args)) ?? true,
  );
}

/**
 * node-discover compares the process' id with `==`, which throws for some maps and never ends for some lists, and listens to
 * nothing whose name is no text.
 */
function isOfNode(decoded: unknown): boolean {
  if (!isMap(decoded) || typeof decoded.iid !== "string" || !ID.test(decoded.iid)) return false;
  const isPlain = (value: unknown) => value === undefined || typeof value === "string";
  return isPlain(decoded.pid) && isPlain(decoded.event) && !isTooDeep(decoded);
}
