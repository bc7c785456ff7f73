import { codeOf, connect, type PusherConnection } from "../../../local/pusher-client.ts";
import { CHAOS_APPS, keyOf } from "./apps.ts";
import { isPusherCode } from "./requests.ts";

/** Real pusher-js clients that are connected to one node from the start, as long as they are let. */
export interface OpenClients {
  readonly count: number;
  /** Clients that must be closed, and are not. */
  readonly stillOpen: readonly string[];
  /** How long after its event each of the others was closed. */
  readonly closed: readonly number[];
  /** Clients of apps that always were as they should be, which were closed for good. */
  readonly wronglyClosed: readonly string[];
  /** The table says that this app's clients must not stay. */
  mustClose(appId: string, writtenAt: number): void;
  stop(): void;
}

interface Client {
  readonly connection: PusherConnection;
  mustCloseSince?: number;
  /** While it is not connected: since when. */
  lostAt?: number | undefined;
  /** Whether soketi told it not to come back. */
  sentAway: boolean;
}

export async function openClients(port: number): Promise<OpenClients> {
  const clients = new Map<string, Client>();
  for (const { id } of CHAOS_APPS.filter(({ hasClients }) => hasClients)) {
    const client: Client = { connection: await connect({ port, key: keyOf(id) }), sentAway: false };
    const { connection } = client.connection.client;
    // A connection that breaks has another code, and pusher-js connects again by itself.
    connection.bind("error", (event: unknown) => {
      if (isPusherCode(codeOf(event) ?? 0)) client.sentAway = true;
    });
    connection.bind("state_change", ({ current }: { current: string }) => {
      client.lostAt = current === "connected" ? undefined : (client.lostAt ?? performance.now());
    });
    clients.set(id, client);
  }
  const all = () => [...clients];
  return {
    count: clients.size,
    get stillOpen() {
      return all()
        .filter(([, { mustCloseSince, lostAt }]) => mustCloseSince !== undefined && lostAt === undefined)
        .map(([id]) => id);
    },
    get closed() {
      return all().flatMap(([, { mustCloseSince, lostAt }]) =>
        mustCloseSince === undefined || lostAt === undefined ? [] : [Math.max(0, lostAt - mustCloseSince)],
      );
    },
    get wronglyClosed() {
      return all()
        .filter(([, { mustCloseSince, sentAway }]) => mustCloseSince === undefined && sentAway)
        .map(([id]) => id);
    },
    mustClose(appId, writtenAt) {
      const client = clients.get(appId);
      if (client) client.mustCloseSince = writtenAt;
    },
    stop() {
      for (const { connection } of clients.values()) connection.disconnect();
    },
  };
}
