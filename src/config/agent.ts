import type { AgentSettings } from "../agent/agent.ts";
import { CLOSE_CAUSES, type CloseCause } from "../agent/live-sockets.ts";
import type { BusNames } from "../protocol/names.ts";
import { type GuardName, readGuards } from "./guards.ts";
import { AGENT_NUMBERS, readAgentNumbers } from "./agent-numbers.ts";
import { EnvReader, type Environment, shown } from "./env.ts";
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
  /**
   * Whether soketi's lookups go to the agent's cache. Off: soketi looks up for itself; the agent still normalizes what
   * it reads, and refreshes open connections.
   */
  readonly cache: boolean;
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
    names: readNames(env, table, redis?.settings ?? ownRedis),
    cache: env.flag("APP_SYNC_CACHE", true),
    closeOn: readCloseOn(env),
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

/** `APP_SYNC_CLOSE_ON`: which causes close open connections, separated by commas, or `none`. Default: all. */
function readCloseOn(env: EnvReader): ReadonlySet<CloseCause> {
  const value = env.text("APP_SYNC_CLOSE_ON");
  if (value === undefined) return new Set(CLOSE_CAUSES);
  if (value === "none") return new Set();
  const causes = value.split(",").map((cause) => cause.trim());
  const known = CLOSE_CAUSES.filter((cause) => causes.includes(cause));
  const unknown = causes.find((cause) => !known.some((one) => one === cause));
  if (unknown !== undefined) {
    const found = `${shown(unknown)} in item ${causes.indexOf(unknown) + 1}`;
    env.wrong("APP_SYNC_CLOSE_ON", `none, or some of ${CLOSE_CAUSES.join(",")}`, found);
  }
  return new Set(known);
}
