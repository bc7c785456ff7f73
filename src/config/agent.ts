import type { AgentSettings } from "../agent/agent.ts";
import type { BusNames } from "../protocol/names.ts";
import { AGENT_NUMBERS, readAgentNumbers } from "./agent-numbers.ts";
import { readCloseCodes, readCloseOn } from "./closing.ts";
import { EnvReader, type Environment } from "./env.ts";
import { readNames } from "./names.ts";
import { readRedis, type RedisSettings } from "./redis.ts";

/**
 * What the agent needs to know inside a soketi process. Times are in milliseconds. The meaning of what it has of
 * `AgentSettings` is told there.
 */
export interface AgentConfig extends AgentSettings {
  /** Undefined: none is known. */
  readonly redis?: RedisSettings | undefined;
  readonly names: BusNames;
  /**
   * Whether soketi's lookups go to the agent's cache. Off: soketi looks up for itself; the agent still normalizes what
   * it reads, and brings connections in line, new ones as well.
   */
  readonly cache: boolean;
  /** Whether the newest connections over a lowered limit are closed. */
  readonly enforceLimits: boolean;
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
  const redis = readRedis(env) ?? ownRedis;
  const numbers = readAgentNumbers({
    read: (name) => env.integer(AGENT_NUMBERS[name].variable, AGENT_NUMBERS[name]),
    nameOf: (name) => AGENT_NUMBERS[name].variable,
    mistakes: env.mistakes,
  });
  const config: AgentConfig = {
    ...numbers,
    redis,
    names: readNames(env, table, redis),
    cache: env.flag("APP_SYNC_CACHE", true),
    closeOn: readCloseOn(env),
    closeCodes: readCloseCodes(env),
    enforceLimits: env.flag("APP_SYNC_ENFORCE_LIMITS", false),
    debug: env.flag("APP_SYNC_DEBUG", false),
  };
  env.finish();
  return config;
}
