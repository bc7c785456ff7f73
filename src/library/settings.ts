import type { CacheLimits } from "../agent/cache-options.ts";
import {
  AGENT_NUMBERS,
  type AgentNumber,
  type AgentNumbers,
  readAgentNumbers,
} from "../config/agent-numbers.ts";
import { EnvReader, type Environment } from "../config/env.ts";
import { ConfigError } from "../config/errors.ts";
import { readTable } from "../config/pipeline.ts";
import { readMinReplicas } from "../config/min-replicas.ts";
import { readNames } from "../config/names.ts";
import { OWN_PREFIX, readGivenRedis as readRedisVariables, type RedisSettings } from "../config/redis.ts";
import type { BusNames } from "../protocol/names.ts";
import { readGivenRedis } from "./given-redis.ts";
import { kindOf } from "./kind-of.ts";

/** Where the log is, and how a follower keeps up with it. */
export interface LinkOptions {
  /**
   * `redis://` or `rediss://`, with user, password, port and database; or the settings of a Redis, a cluster or sentinels.
   * Default: the `REDIS_*` variables of the environment, of which none counts beside this option.
   */
  readonly redis?: string | RedisSettings;
  /** The apps table, which names the log. Default: `APP_MANAGER_DYNAMODB_TABLE`, or `apps`. */
  readonly table?: string;
  /** Names of the log in Redis. Default: `APP_SYNC_PREFIX`, or `{app-sync:<table>}`. */
  readonly prefix?: string;
  /** How long one agreement with the log proves that nothing was missed. Milliseconds, 300 to 60000; default 3000. */
  readonly leaseMs?: number;
  /** How often it is sought. Milliseconds, 50 to 20000, at most half of the lease; default 1000. */
  readonly heartbeatMs?: number;
  /** How many replicas must have a heartbeat before it counts. Default: `APP_SYNC_MIN_REPLICAS`, or 0. Not with a cluster. */
  readonly minReplicas?: number;
  /** Default `process.env`. */
  readonly environment?: Environment;
}

export interface CacheOptions {
  /** As the agent's, with its ranges and defaults: docs/reference/settings.md. */
  readonly limits?: Partial<CacheLimits>;
  /** One cached app is compared with the table this often. Milliseconds up to 3600000, 0 for never; default 1000. */
  readonly verifyEveryMs?: number;
}

export interface Settings extends AgentNumbers {
  readonly redis: RedisSettings;
  /** The variable that names Redis, when it may be the program's own: one that other programs have too. */
  readonly doubtfulVariable?: string | undefined;
  readonly table: string;
  readonly names: BusNames;
  readonly minReplicas: number;
}

/**
 * @param others mistakes in what comes with the options, to be told with theirs.
 * @throws ConfigError with every mistake.
 */
export function readSettings(options: LinkOptions & CacheOptions, others: readonly string[] = []): Settings {
  assertObject("options", options);
  const { environment = process.env, limits = {} } = options;
  assertObject("environment", environment);
  assertObject("limits", limits);
  const env = new EnvReader({
    ...environment,
    APP_MANAGER_DYNAMODB_TABLE: options.table ?? environment.APP_MANAGER_DYNAMODB_TABLE,
    APP_SYNC_PREFIX: options.prefix ?? environment.APP_SYNC_PREFIX,
    APP_SYNC_MIN_REPLICAS: options.minReplicas?.toString() ?? environment.APP_SYNC_MIN_REPLICAS,
  });
  const byVariable = options.redis === undefined ? readRedisVariables(env) : undefined;
  const redis =
    options.redis === undefined ? byVariable?.settings : readGivenRedis(env.mistakes, options.redis);
  if (!redis && env.mistakes.length === 0) {
    env.mistakes.push(
      "redis: expected a URL, or one of the variables APP_SYNC_REDIS_URL, REDIS_URL, …, found none.",
    );
  }
  refuseNoNames(env, options);
  const table = readTable(env);
  const { leaseMs, heartbeatMs, verifyEveryMs } = options;
  const given: Partial<Record<AgentNumber, unknown>> = { ...limits, leaseMs, heartbeatMs, verifyEveryMs };
  const numbers = readAgentNumbers({
    read: (name) => numberOf(env, name, given[name]),
    nameOf: (name) => name,
    mistakes: env.mistakes,
  });
  refuseUnknownLimits(env, limits, numbers);
  const settings = {
    table,
    names: readNames(env, table, redis, "prefix, or APP_SYNC_PREFIX"),
    minReplicas: readMinReplicas(env, redis, "minReplicas, or APP_SYNC_MIN_REPLICAS"),
    ...numbers,
  };
  env.mistakes.push(...others);
  env.finish();
  const doubtfulVariable = byVariable?.from.startsWith(OWN_PREFIX) ? undefined : byVariable?.from;
  // Without a Redis there is a mistake.
  return { ...settings, redis: redis as RedisSettings, doubtfulVariable };
}

/** What is left empty is no default: that may be another table, or a log that nobody reads. */
function refuseNoNames(env: EnvReader, { table, prefix }: LinkOptions): void {
  for (const [name, value] of Object.entries({ table, prefix }) as [string, unknown][]) {
    if (value === undefined || (typeof value === "string" && value.trim() !== "")) continue;
    const found = typeof value === "string" ? "an empty one" : kindOf(value);
    env.mistakes.push(`${name}: expected text, found ${found}: leave it out for the default.`);
  }
}

/** What comes from JavaScript may be anything. @throws ConfigError */
export function assertObject(name: string, value: unknown): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new ConfigError([`${name}: expected an object, found ${kindOf(value)}.`]);
}

/** A misspelt limit would be the default without a word. */
function refuseUnknownLimits(env: EnvReader, given: object, { limits }: AgentNumbers): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(limits, name)) continue;
    env.mistakes.push(`limits.${name}: expected one of ${Object.keys(limits).join(", ")}.`);
  }
}

/** A number that is none would end in a loop without a pause. */
function numberOf(env: EnvReader, name: AgentNumber, value: unknown): number {
  const { min, max, default: byDefault } = AGENT_NUMBERS[name];
  if (value === undefined) return byDefault;
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  const found = typeof value === "number" ? String(value) : kindOf(value);
  env.mistakes.push(`${name}: expected a whole number from ${min} to ${max}, found ${found}.`);
  return byDefault;
}
