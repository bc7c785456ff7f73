import type { AgentSettings } from "../agent/agent.ts";
import { CLOSE_CAUSES, type CloseCause } from "../agent/live-sockets.ts";
import { type BusNames, busNames, defaultPrefix } from "../protocol/names.ts";
import { EnvReader, type Environment } from "./env.ts";
import { readRedis, type RedisSettings } from "./redis.ts";

/** What may be set of an agent, wherever it runs. Milliseconds but for the entries. */
export const AGENT_RANGES = {
  leaseMs: { min: 300, max: 60_000, default: 3_000 },
  heartbeatMs: { min: 50, max: 20_000, default: 1_000 },
  degradedTtlMs: { min: 0, max: 3_600_000, default: 5_000 },
  maxStaleOnErrorMs: { min: 0, max: 86_400_000, default: 60_000 },
  loadBudgetMs: { min: 100, max: 60_000, default: 5_000 },
  missingKeyTtlMs: { min: 0, max: 60_000, default: 1_000 },
  maxEntries: { min: 1, max: 10_000_000, default: 100_000 },
  reloadJitterMs: { min: 0, max: 10_000, default: 50 },
  verifyEveryMs: { min: 0, max: 3_600_000, default: 1_000 },
} as const;

/**
 * What the agent needs to know inside a soketi process. Times are in milliseconds. The meaning of what it has of
 * `AgentSettings` is told there.
 */
export interface AgentConfig extends AgentSettings {
  /** Undefined: soketi's own Redis settings. */
  readonly redis?: RedisSettings | undefined;
  readonly names: BusNames;
  /**
   * Whether soketi's lookups go to the agent's cache. Off: soketi looks up for itself; the agent still normalizes what
   * it reads, and refreshes open connections.
   */
  readonly cache: boolean;
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
  const leaseMs = env.integer("APP_SYNC_LEASE_MS", AGENT_RANGES.leaseMs);
  const heartbeatMs = env.integer("APP_SYNC_HEARTBEAT_MS", AGENT_RANGES.heartbeatMs);
  if (heartbeatMs * 2 > leaseMs) {
    env.mistakes.push(
      `APP_SYNC_HEARTBEAT_MS: expected at most half of APP_SYNC_LEASE_MS (${leaseMs}), found ${heartbeatMs}. ` +
        "One lost heartbeat must not cost the lease.",
    );
  }
  const config: AgentConfig = {
    redis,
    names: busNames(env.text("APP_SYNC_PREFIX") ?? defaultPrefix(table)),
    cache: env.flag("APP_SYNC_CACHE", true),
    leaseMs,
    heartbeatMs,
    limits: {
      degradedTtlMs: env.integer("APP_SYNC_DEGRADED_TTL_MS", AGENT_RANGES.degradedTtlMs),
      maxStaleOnErrorMs: env.integer("APP_SYNC_MAX_STALE_ON_ERROR_MS", AGENT_RANGES.maxStaleOnErrorMs),
      loadBudgetMs: env.integer("APP_SYNC_LOAD_BUDGET_MS", AGENT_RANGES.loadBudgetMs),
      missingKeyTtlMs: env.integer("APP_SYNC_MISSING_KEY_TTL_MS", AGENT_RANGES.missingKeyTtlMs),
      maxEntries: env.integer("APP_SYNC_MAX_ENTRIES", AGENT_RANGES.maxEntries),
    },
    reloadJitterMs: env.integer("APP_SYNC_RELOAD_JITTER_MS", AGENT_RANGES.reloadJitterMs),
    verifyEveryMs: env.integer("APP_SYNC_VERIFY_EVERY_MS", AGENT_RANGES.verifyEveryMs),
    closeOn: readCloseOn(env),
    closesPerSecond: env.integer("APP_SYNC_CLOSES_PER_SECOND", { min: 100, max: 1_000_000, default: 5_000 }),
    debug: env.flag("APP_SYNC_DEBUG", false),
  };
  env.finish();
  return config;
}

/** `APP_SYNC_CLOSE_ON`: which causes close open connections, separated by commas, or `none`. Default: all. */
function readCloseOn(env: EnvReader): ReadonlySet<CloseCause> {
  const value = env.text("APP_SYNC_CLOSE_ON");
  if (value === undefined) return new Set(CLOSE_CAUSES);
  if (value === "none") return new Set();
  const causes = value.split(",").map((cause) => cause.trim());
  const known = CLOSE_CAUSES.filter((cause) => causes.includes(cause));
  if (known.length !== causes.length) {
    env.wrong("APP_SYNC_CLOSE_ON", `none, or some of ${CLOSE_CAUSES.join(",")}`, value);
  }
  return new Set(known);
}
