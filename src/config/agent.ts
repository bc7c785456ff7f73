import type { AgentSettings } from "../agent/agent-options.ts";
import type { BusNames } from "../protocol/names.ts";
import { type GuardName, readGuards } from "./guards.ts";
import { AGENT_NUMBERS, readAgentNumbers } from "./agent-numbers.ts";
import { readCloseCodes, readCloseOn } from "./closing.ts";
import { EnvReader, type Environment } from "./env.ts";
import { readMinReplicas } from "./min-replicas.ts";
import { readNames } from "./names.ts";
import { type GivenRedis, ignoredRedisVariables, readGivenRedis, type RedisSettings } from "./redis.ts";

/**
 * What the agent needs to know inside a soketi process. Times are in milliseconds. The meaning of what it has of
 * `AgentSettings` is told there.
 */
export interface AgentConfig extends AgentSettings {
  /** Undefined: soketi's own. */
  readonly redis?: GivenRedis | undefined;
  /** Variables about Redis that are set and of no effect: Redis is named elsewhere. */
  readonly ignoredVariables: readonly string[];
  readonly names: BusNames;
  /** How many replicas must have a heartbeat before it counts. */
  readonly minReplicas: number;
  /**
   * Whether soketi's lookups go to the agent's cache. Off: soketi looks up for itself; the agent still normalizes what
   * it reads, and updates connections, new ones as well.
   */
  readonly cache: boolean;
  /** Whether the newest connections over a lowered limit are closed. */
  readonly enforceLimits: boolean;
  /** When soketi's `/ready` says yes: as soketi does by itself, or once the agent has had a lease. */
  readonly ready: "soketi" | "synced";
  /** What is guarded of soketi. */
  readonly guards: ReadonlySet<GuardName>;
  /** Whether each change is logged. */
  readonly debug: boolean;
}

/**
 * @param table soketi's own setting of the apps table; names the log when `APP_SYNC_PREFIX` does not.
 * @param ownRedis soketi's own, which is taken when no `REDIS_…` variable names another.
 * @throws ConfigError with every mistake.
 */
export function readAgentConfig(
  environment: Environment,
  table: string,
  ownRedis?: RedisSettings,
): AgentConfig {
  const env = new EnvReader(environment);
  const redis = readGivenRedis(env);
  const numbers = readAgentNumbers({
    read: (name) => env.integer(AGENT_NUMBERS[name].variable, AGENT_NUMBERS[name]),
    nameOf: (name) => AGENT_NUMBERS[name].variable,
    mistakes: env.mistakes,
  });
  const config: AgentConfig = {
    ...numbers,
    redis,
    ignoredVariables: ignoredRedisVariables(env),
    minReplicas: readMinReplicas(env, redis?.settings ?? ownRedis),
    names: readNames(env, table, redis?.settings ?? ownRedis),
    cache: env.flag("APP_SYNC_CACHE", true),
    closeOn: readCloseOn(env),
    closeCodes: readCloseCodes(env),
    enforceLimits: env.flag("APP_SYNC_ENFORCE_LIMITS", false),
    ready: env.choice("APP_SYNC_READY", ["soketi", "synced"]),
    guards: readGuards(env),
    debug: env.flag("APP_SYNC_DEBUG", false),
  };
  // Read where there is no configuration yet, too; a mistake in it is told with the others.
  env.flag(REQUIRED, false);
  env.finish();
  return config;
}

const REQUIRED = "APP_SYNC_REQUIRED";

/** `APP_SYNC_REQUIRED`: whether soketi may not run without the agent. What is neither on nor off is taken for on. */
export function isAgentRequired(environment: Environment): boolean {
  const env = new EnvReader(environment);
  return env.flag(REQUIRED, false) || env.mistakes.length > 0;
}
