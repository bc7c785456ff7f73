import type { RedisSettings } from "../config/redis.ts";
import type { ClientOptions, ClusterOptions } from "./library.ts";

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
  readonly silenceMs?: number | undefined;
  /** How often a command is tried again after its connection broke. */
  readonly retriesPerCommand: number;
  /**
   * Of the pipeline's connection: how long a command may take, with connecting and all that is tried for it. Default: as long as
   * all of that may take together.
   */
  readonly totalMs?: number | undefined;
}

/**
 * Of whoever waits for the outcome: an error comes sooner than silence. An attempt ends with the fourth second, whatever it waited
 * for; a login that nobody answers would be waited for at each attempt to connect.
 */
export const INTERACTIVE_TIMEOUTS = {
  connectMs: 3_000,
  commandMs: 4_000,
  retriesPerCommand: 2,
  totalMs: 4_000,
} as const satisfies RedisTimeouts;

/** Longest pause between two attempts to connect: an agent must be back well within a lease. Milliseconds. */
const MAX_RECONNECT_PAUSE_MS = 500;

const growingPause = (attempt: number) => Math.min(attempt * 50, MAX_RECONNECT_PAUSE_MS);

/**
 * What a server says that is not, or not rightly, the primary: it was demoted, lost its own primary, is loading, or was cut
 * off. The socket to it is healthy, and would be kept for good, although the address leads to another by now.
 */
const NO_PRIMARY = /(^|-)(READONLY|MASTERDOWN|LOADING|UNBLOCKED|NOREPLICAS|MISCONF)\b/;

/** Within a script of Redis 6 the word is somewhere in the text. */
function isOfNoPrimary({ message }: Error): boolean {
  return NO_PRIMARY.test(message);
}

/** In ioredis' terms: what a connection has whatever it leads to. An option that is undefined has ioredis' own default. */
export function clientOptions(settings: RedisSettings, timeouts: RedisTimeouts): ClientOptions {
  return {
    lazyConnect: true,
    connectTimeout: timeouts.connectMs,
    commandTimeout: timeouts.commandMs,
    socketTimeout: timeouts.silenceMs,
    maxRetriesPerRequest: timeouts.retriesPerCommand,
    disconnectTimeout: 200,
    // The follower subscribes by itself, so that it knows when the subscription is acknowledged.
    autoResubscribe: false,
    retryStrategy: growingPause,
    reconnectOnError: isOfNoPrimary,
    username: settings.username,
    password: settings.password,
    tls: settings.tls ? (settings.tlsOptions ?? {}) : undefined,
    family: settings.family,
    keepAlive: settings.keepAliveMs,
  };
}

/** In ioredis' terms: what a connection to a cluster has, and each of those to its nodes. */
export function clusterOptions(
  settings: Extract<RedisSettings, { kind: "cluster" }>,
  timeouts: RedisTimeouts,
): ClusterOptions {
  return {
    lazyConnect: true,
    // Reads never go to replicas: one that lags would agree with an old cursor.
    scaleReads: "master",
    slotsRefreshTimeout: 5_000,
    clusterRetryStrategy: growingPause,
    retryDelayOnFailover: 100,
    maxRedirections: Math.max(4, timeouts.retriesPerCommand),
    // ElastiCache's certificates are for names, not for the addresses behind them.
    dnsLookup: settings.tls ? (address, done) => done(null, address) : undefined,
    natMap: settings.natMap,
    redisOptions: clientOptions(settings, timeouts),
  };
}
