import { ConfigError, EnvReader, type Environment } from "../config/env.ts";
import { readTable } from "../config/pipeline.ts";
import { readRedis, type RedisSettings } from "../config/redis.ts";
import { type BusNames, busNames, defaultPrefix } from "../protocol/names.ts";

/** Where the log is, and how a follower keeps up with it. */
export interface LinkOptions {
  /**
   * `redis://` or `rediss://`, with user, password, port and database. Default: the `REDIS_*` variables of the environment,
   * which also know Sentinel and Cluster.
   */
  readonly redis?: string;
  /** The apps table, which names the log. Default: `APP_MANAGER_DYNAMODB_TABLE`, or `apps`. */
  readonly table?: string;
  /** Names of the log in Redis. Default: `APP_SYNC_PREFIX`, or `{app-sync:<table>}`. */
  readonly prefix?: string;
  /** How long what was read may be believed after the last sign that nothing was missed. Milliseconds; default 3000. */
  readonly leaseMs?: number;
  /** Milliseconds, at most half of the lease; default 1000. */
  readonly heartbeatMs?: number;
  /** Default `process.env`. */
  readonly environment?: Environment;
}

export interface LinkSettings {
  readonly redis: RedisSettings;
  readonly table: string;
  readonly names: BusNames;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

/** @throws ConfigError with every mistake. */
export function readLinkSettings(options: LinkOptions): LinkSettings {
  const { leaseMs = 3_000, heartbeatMs = 1_000, environment = process.env } = options;
  const env = new EnvReader({
    ...environment,
    ...(options.redis === undefined
      ? {}
      : { REDIS_URL: options.redis, REDIS_CLUSTER_NODES: "", REDIS_SENTINELS: "" }),
    ...(options.table === undefined ? {} : { APP_MANAGER_DYNAMODB_TABLE: options.table }),
    ...(options.prefix === undefined ? {} : { APP_SYNC_PREFIX: options.prefix }),
  });
  const redis = readRedis(env);
  if (!redis && env.mistakes.length === 0) {
    env.mistakes.push("redis: expected a URL, or one of the REDIS_* variables, found none.");
  }
  between(env, "leaseMs", leaseMs, 300, 60_000);
  between(env, "heartbeatMs", heartbeatMs, 50, leaseMs / 2);
  const table = readTable(env);
  env.finish();
  if (!redis) throw new ConfigError(env.mistakes);
  const names = busNames(env.text("APP_SYNC_PREFIX") ?? defaultPrefix(table));
  return { redis, table, names, leaseMs, heartbeatMs };
}

function between(env: EnvReader, name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return;
  env.mistakes.push(`${name}: expected milliseconds from ${min} to ${max}, found ${value}.`);
}
