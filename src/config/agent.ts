import { type BusNames, busNames, defaultPrefix } from "../protocol/names.ts";
import { EnvReader, type Environment } from "./env.ts";
import { readRedis, type RedisSettings } from "./redis.ts";

/** What the agent needs to know inside a soketi process. Times are in milliseconds. */
export interface AgentConfig {
  /** Undefined: soketi's own Redis settings. */
  readonly redis?: RedisSettings;
  readonly names: BusNames;
  /** Whether the agent caches apps. Off: soketi looks up for itself, and only the normalization is added. */
  readonly cache: boolean;
  /** How long one agreement with the log lets cached apps be served, counted from when it was asked for. */
  readonly leaseMs: number;
  /** How often that agreement is sought. Always well under the lease. */
  readonly heartbeatMs: number;
  /** Without a lease: how old an entry may be, counted from when its read was sent. 0: every lookup reads. */
  readonly degradedTtlMs: number;
  /** Whether each change is logged. */
  readonly debug: boolean;
}

/**
 * @param table soketi's own setting of the apps table; names the log when `APP_SYNC_PREFIX` does not.
 * @throws ConfigError with every mistake.
 */
export function readAgentConfig(environment: Environment, table: string): AgentConfig {
  const env = new EnvReader(environment);
  const redis = readRedis(env);
  const leaseMs = env.integer("APP_SYNC_LEASE_MS", { min: 300, max: 60_000, default: 3_000 });
  const heartbeatMs = env.integer("APP_SYNC_HEARTBEAT_MS", { min: 50, max: 20_000, default: 1_000 });
  if (heartbeatMs * 2 > leaseMs) {
    env.mistakes.push(
      `APP_SYNC_HEARTBEAT_MS: expected at most half of APP_SYNC_LEASE_MS (${leaseMs}), found ${heartbeatMs}. ` +
        "One lost heartbeat must not cost the lease.",
    );
  }
  const config: AgentConfig = {
    ...(redis ? { redis } : {}),
    names: busNames(env.text("APP_SYNC_PREFIX") ?? defaultPrefix(table)),
    cache: env.flag("APP_SYNC_CACHE", true),
    leaseMs,
    heartbeatMs,
    degradedTtlMs: env.integer("APP_SYNC_DEGRADED_TTL_MS", { min: 0, max: 3_600_000, default: 5_000 }),
    debug: env.flag("APP_SYNC_DEBUG", false),
  };
  env.finish();
  return config;
}
