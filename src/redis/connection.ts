import type { RedisSettings } from "../config/redis.ts";
import { clientOptions, clusterOptions, type RedisTimeouts } from "./client-options.ts";
import { openCluster } from "./cluster.ts";
import { RedisError } from "./errors.ts";
import type { ClientOptions, RedisClient, RedisConnection, RedisLibrary } from "./library.ts";
import { type LoginSource, withCredentials } from "./with-credentials.ts";

export interface ConnectionOptions {
  readonly library: RedisLibrary;
  readonly settings: RedisSettings;
  readonly timeouts: RedisTimeouts;
  /** Called when the connection breaks or cannot be opened; it reconnects by itself. */
  readonly onError: (error: RedisError) => void;
  /** Asked at each new connection, when the settings do not hold the password. */
  readonly login?: LoginSource | undefined;
}

/**
 * Opens a connection, lazily: nothing is sent before the first command. It reconnects for ever by itself.
 */
export function openRedis(options: ConnectionOptions): RedisConnection {
  const { library, settings, timeouts, login, onError } = options;
  if (settings.kind !== "cluster") return openClient(options, settings);
  const cluster = openCluster(library, settings.nodes, clusterOptions(settings, timeouts));
  // Emitted before the node's connection is made.
  cluster.on("+node", (node) => withCredentials(node, login));
  return tellErrors(cluster, onError);
}

type OneServer = Exclude<RedisSettings, { kind: "cluster" }>;

/**
 * Opens a connection to one server, or to the master that sentinels name.
 *
 * @param overrides of the options that it has by its settings.
 */
export function openClient(
  { library, timeouts, login, onError }: Omit<ConnectionOptions, "settings">,
  settings: OneServer,
  overrides: Partial<ClientOptions> = {},
): RedisClient {
  const options = { ...clientOptions(settings, timeouts), ...overrides };
  const place = settings.kind === "standalone" ? serverOf(settings) : masterOf(settings, timeouts);
  const client = new library.Redis({ ...options, ...place, db: settings.db });
  neverElsewhere(client);
  return tellErrors(withCredentials(client, login), onError);
}

/**
 * ioredis only tells when the server refuses the database, since it has fewer or the user may not choose one, and goes on in
 * database 0: another log than everybody else's, perhaps another program's data. Told before a connection is ready.
 */
function neverElsewhere(client: RedisClient): void {
  client.on("error", (error) => {
    const { name, command } = error as { name?: unknown; command?: { name?: unknown } };
    if (name === "ReplyError" && command?.name === "select") reconnect(client);
  });
}

function serverOf({
  host,
  port,
  path,
}: Extract<RedisSettings, { kind: "standalone" }>): Partial<ClientOptions> {
  return path === undefined ? { host, port } : { path };
}

function masterOf(
  settings: Extract<RedisSettings, { kind: "sentinel" }>,
  timeouts: RedisTimeouts,
): Partial<ClientOptions> {
  return {
    sentinels: settings.sentinels.map(({ host, port }) => ({ host, port })),
    name: settings.name,
    sentinelUsername: settings.sentinelUsername,
    sentinelPassword: settings.sentinelPassword,
    sentinelTLS: settings.sentinelTls,
    natMap: settings.natMap,
    // Without it a sentinel that takes the connection and says nothing is waited for, for ever.
    sentinelCommandTimeout: timeouts.commandMs,
    enableTLSForSentinelMode: settings.tls,
  };
}

/** An error of ioredis' own must not get further: it holds the command that failed, which may be the one with the password. */
function tellErrors<T extends RedisConnection>(connection: T, onError: (error: RedisError) => void): T {
  connection.on("error", (error) => onError(new RedisError("keep the connection", error)));
  return connection;
}

/** Ends the socket, and lets ioredis make a new one. */
export function reconnect(connection: RedisConnection): void {
  connection.disconnect(true);
}
