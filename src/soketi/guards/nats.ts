import type { AdapterDriver, GuardedServer, NatsConnection } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";

/** Answered by each NATS server with the connections of the account. */
const CONNECTIONS = "$SYS.REQ.SERVER.PING.CONNZ";

/**
 * Keeps a NATS that goes away from ending the process, and has a node come back to it. soketi asks NATS at each connection
 * and call how many nodes there are, in a promise that nobody catches, and never connects a second time. (soketi 1.6.1,
 * dist/adapters/nats-adapter.js; nats 2.)
 *
 * What it throws and rejects is for the guard of the adapter, which comes around it.
 */
export function keepNats(server: GuardedServer, driver: AdapterDriver): void {
  const { adapter } = server.options;
  if (adapter?.driver !== "nats") return;
  const isKnown = Number(adapter.nats?.nodesNumber) > 0;
  const state = { isAway: false };
  const mustBeThere = () => {
    if (state.isAway) throw new Error("NATS is away");
  };
  wrap(driver, "init", (init) => async () => {
    const result = await init();
    if (driver.connection) void watch(driver.connection, state);
    return result;
  });
  wrap(driver, "getNumSub", (getNumSub) => async () => {
    mustBeThere();
    return isKnown ? getNumSub() : countConnections(driver.connection);
  });
  // The client keeps what it cannot send, without a limit.
  wrap(driver, "broadcastToChannel", (broadcast) => (channel, data) => {
    mustBeThere();
    return broadcast(channel, data);
  });
}

/** Its subscriptions are made again with the connection. */
async function watch(connection: NatsConnection, state: { isAway: boolean }): Promise<void> {
  Object.assign(connection.options ?? {}, { reconnect: true, maxReconnectAttempts: -1 });
  for await (const { type } of connection.status()) {
    if (type === "disconnect") state.isAway = true;
    else if (type === "reconnect") state.isAway = false;
  }
}

/** As soketi counts them. */
async function countConnections(connection: NatsConnection | undefined): Promise<number> {
  if (!connection) throw new Error("there is no connection to NATS");
  const { data } = await connection.request(CONNECTIONS);
  const { total } = (JSON.parse(Buffer.from(data).toString()) as { data: { total: unknown } }).data;
  if (typeof total !== "number") throw new Error("expected a number of connections, found none");
  return total;
}
