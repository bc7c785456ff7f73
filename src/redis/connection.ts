import type { Cluster, ClusterOptions, Redis, RedisOptions } from "ioredis";
import type { RedisSettings } from "../config/redis.ts";

/**
 * The part of ioredis that is used. The pipeline brings ioredis 6 along; the agent takes soketi's own, 5.x, because it
 * must not have dependencies. Only what both have may be used here.
 */
export interface RedisLibrary {
  readonly Redis: new (options: ConnectionOptions) => Redis;
  readonly Cluster: new (nodes: { host: string; port: number }[], options: OurClusterOptions) => Cluster;
}

/** Without what only ioredis 6 has. */
type ConnectionOptions = Omit<RedisOptions, "replyMapping">;
type OurClusterOptions = Omit<ClusterOptions, "redisOptions"> & { redisOptions: ConnectionOptions };

export type RedisConnection = Redis | Cluster;

/**
 * Time limits of one connection, in milliseconds. They are the answer to a socket that died while its process slept:
 * without `commandMs` a publish hangs for ever, without `silenceMs` the dead socket is never replaced (both measured
 * with ioredis 6 against a socket that went silent).
 */
export interface RedisTimeouts {
  readonly connectMs: number;
  /** How long an answer may take. */
  readonly commandMs: number;
  /** How long a socket may be silent while an answer is due, before it is replaced. Less than `commandMs`. */
  readonly silenceMs?: number;
  /** How often a command is tried again after its connection broke. */
  readonly retriesPerCommand: number;
}

/** Longest pause between two attempts to connect: an agent must be back well within a lease. */
const MAX_RECONNECT_PAUSE_MS = 500;

/**
 * Opens a connection, lazily: nothing is sent before the first command. It reconnects for ever by itself. The caller
 * must listen to `error`, and decide when to subscribe again.
 *
 * @param login asked at each new connection, when the settings do not hold the password.
 */
export function openRedis(
  library: RedisLibrary,
  settings: RedisSettings,
  timeouts: RedisTimeouts,
  more: Pick<RedisOptions, "retryStrategy"> = {},
  login?: () => Login | undefined,
): RedisConnection {
  const options = { ...commonOptions(settings, timeouts), ...more };
  switch (settings.kind) {
    case "standalone":
      return asking(
        login,
        new library.Redis({ ...options, host: settings.host, port: settings.port, db: settings.db }),
      );
    case "sentinel":
      return asking(
        login,
        new library.Redis({
          ...options,
          sentinels: settings.sentinels.map(({ host, port }) => ({ host, port })),
          name: settings.name,
          db: settings.db,
          // Without it a sentinel that takes the connection and says nothing is waited for, for ever.
          sentinelCommandTimeout: timeouts.commandMs,
          ...(settings.sentinelPassword === undefined ? {} : { sentinelPassword: settings.sentinelPassword }),
          ...(settings.tls ? { enableTLSForSentinelMode: true } : {}),
        }),
      );
    case "cluster": {
      const cluster = openCluster(library, settings, clusterOptions(settings, options, timeouts));
      // Told before the node's connection is made.
      cluster.on("+node", (node: Redis) => {
        asking(login, node);
      });
      return cluster;
    }
  }
}

interface Login {
  readonly username?: string;
  readonly password: string;
}

/** ioredis reads user and password of a connection's options each time it connects. */
function asking(login: (() => Login | undefined) | undefined, redis: Redis): Redis {
  if (!login) return redis;
  const { username } = redis.options;
  Object.defineProperties(redis.options, {
    username: { get: () => login()?.username ?? username, configurable: true, enumerable: true },
    password: { get: () => login()?.password, configurable: true, enumerable: true },
  });
  return redis;
}

function commonOptions(settings: RedisSettings, timeouts: RedisTimeouts): ConnectionOptions {
  return {
    lazyConnect: true,
    connectTimeout: timeouts.connectMs,
    commandTimeout: timeouts.commandMs,
    ...(timeouts.silenceMs === undefined ? {} : { socketTimeout: timeouts.silenceMs }),
    maxRetriesPerRequest: timeouts.retriesPerCommand,
    disconnectTimeout: 200,
    // The follower subscribes by itself, so that it knows when the subscription is acknowledged.
    autoResubscribe: false,
    retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_PAUSE_MS),
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ...(settings.tls ? { tls: {} } : {}),
  };
}

function clusterOptions(
  settings: RedisSettings,
  options: ConnectionOptions,
  timeouts: RedisTimeouts,
): OurClusterOptions {
  return {
    lazyConnect: true,
    // Reads never go to replicas: one that lags would agree with an old cursor.
    scaleReads: "master",
    slotsRefreshTimeout: 5_000,
    clusterRetryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_PAUSE_MS),
    retryDelayOnFailover: 100,
    maxRedirections: Math.max(4, timeouts.retriesPerCommand),
    // ElastiCache's certificates are for names, not for the addresses behind them.
    ...(settings.tls
      ? {
          dnsLookup: (address, done) => {
            done(null, address);
          },
        }
      : {}),
    redisOptions: options,
  };
}

/**
 * ioredis looks for a lost cluster at the nodes that it was first given, of which a user may name one. Those that the
 * cluster named since are asked as well, or that one's end would be ours.
 */
function openCluster(library: RedisLibrary, settings: ClusterSettings, options: OurClusterOptions): Cluster {
  const pause = options.clusterRetryStrategy;
  let known = uniqueNodes(settings.nodes);
  const cluster = new library.Cluster(known, {
    ...options,
    clusterRetryStrategy(this: { startupNodes: NodeAddress[] }, attempt) {
      // Its documented place for this; the types leave it out.
      this.startupNodes = known;
      return pause?.(attempt);
    },
  });
  cluster.on("refresh", () => {
    known = uniqueNodes([...settings.nodes, ...nodesOf(cluster)]);
  });
  return cluster;
}

type ClusterSettings = Extract<RedisSettings, { kind: "cluster" }>;

interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** The nodes that a cluster connection knows now; none between two attempts to find it. */
function nodesOf(cluster: Cluster): NodeAddress[] {
  return cluster
    .nodes("all")
    .map(({ options }) => ({ host: options.host ?? "127.0.0.1", port: options.port ?? 6379 }));
}

function uniqueNodes(nodes: readonly NodeAddress[]): NodeAddress[] {
  const unique = new Map(nodes.map(({ host, port }) => [`${host} ${port}`, { host, port }]));
  return [...unique.values()];
}

/**
 * A connection for subscribing: it ends when it is lost, for the caller to open another. In a cluster it is a plain
 * connection to one of the nodes, since each node gets what is published on any.
 *
 * @param commands the connection for commands, which knows the nodes that a cluster has now.
 * @param attempt which of the nodes: each attempt takes the next.
 */
export function openSubscriber(
  library: RedisLibrary,
  settings: RedisSettings,
  timeouts: RedisTimeouts,
  commands: RedisConnection,
  attempt: number,
): Redis {
  const nodes =
    settings.kind === "cluster" ? uniqueNodes([...settings.nodes, ...nodesOf(commands as Cluster)]) : [];
  const node = nodes[attempt % nodes.length];
  const { kind: _kind, ...rest } = settings;
  const plain: RedisSettings = node ? { ...rest, ...node, kind: "standalone", db: 0 } : settings;
  return openRedis(library, plain, timeouts, { retryStrategy: () => null }) as Redis;
}

/** Ends the socket, and lets ioredis make a new one. */
export function cut(connection: RedisConnection): void {
  (connection as Redis).disconnect(true);
}

/**
 * Thrown when Redis did not do what it was asked. Holds the server's or the socket's own words, never the command's
 * arguments: ioredis errors carry those, and they must not reach a log.
 */
export class RedisError extends Error {
  override readonly name = "RedisError";
  /** As Redis or Node say it: READONLY, OOM, NOAUTH, ECONNREFUSED, …; UNKNOWN when neither does. */
  readonly code: string;

  constructor(doing: string, cause: unknown) {
    const words = wordsOf(cause);
    super(`Redis could not ${doing}: ${words}`);
    this.code = codeOf(cause, words);
  }
}

/** A host with two addresses, of which neither answers, is an error without words of its own. */
function wordsOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(wordsOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}

function codeOf(cause: unknown, words: string): string {
  const code = (cause as { code?: unknown } | null)?.code;
  if (typeof code === "string") return code;
  return /^([A-Z]{2,})\b/.exec(words)?.[1] ?? "UNKNOWN";
}
