import type { AgentSettings } from "../agent/agent.ts";
import { CLOSE_CAUSES, type CloseCause } from "../agent/live-sockets.ts";
import { type BusNames, busNames, defaultPrefix } from "../protocol/names.ts";
import { AGENT_NUMBERS, readAgentNumbers } from "./agent-numbers.ts";
import { EnvReader, type Environment } from "./env.ts";
import { readRedis, type RedisSettings } from "./redis.ts";

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
  const numbers = readAgentNumbers({
    read: (name) => env.integer(AGENT_NUMBERS[name].variable, AGENT_NUMBERS[name]),
    nameOf: (name) => AGENT_NUMBERS[name].variable,
    mistakes: env.mistakes,
  });
  const config: AgentConfig = {
    ...numbers,
    redis,
    names: busNames(env.text("APP_SYNC_PREFIX") ?? defaultPrefix(table)),
    cache: env.flag("APP_SYNC_CACHE", true),
    closeOn: readCloseOn(env),
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
