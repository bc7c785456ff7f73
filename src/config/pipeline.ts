import { type BusNames, busNames, defaultPrefix } from "../protocol/names.ts";
import { EnvReader, type Environment } from "./env.ts";
import { readRedis, type RedisSettings } from "./redis.ts";

/** What a deployed function needs to know. */
export interface PipelineConfig {
  readonly redis: RedisSettings;
  readonly names: BusNames;
  readonly table: string;
  /** Where the function runs; said in each message. */
  readonly region?: string;
  /** How many messages the log keeps, at least: an agent that was away for longer flushes. Default 10,000. */
  readonly logLength: number;
}

/** @throws ConfigError with every mistake. */
export function readPipelineConfig(environment: Environment): PipelineConfig {
  const env = new EnvReader(environment);
  const redis = readRedis(env);
  if (!redis && env.mistakes.length === 0) {
    env.mistakes.push("REDIS_URL, REDIS_CLUSTER_NODES or REDIS_SENTINELS: expected one of them, found none.");
  }
  const table = readTable(env);
  const region = env.text("AWS_REGION");
  const logLength = env.integer("APP_SYNC_LOG_LENGTH", { min: 100, max: 10_000_000, default: 10_000 });
  const names = busNames(env.text("APP_SYNC_PREFIX") ?? defaultPrefix(table));
  env.finish();
  return {
    redis: redis as RedisSettings,
    names,
    table,
    logLength,
    ...(region === undefined ? {} : { region }),
  };
}

/** The table under soketi's own name, with or without its prefix; soketi's default otherwise. */
export function readTable(env: EnvReader): string {
  return env.text("APP_MANAGER_DYNAMODB_TABLE", "SOKETI_APP_MANAGER_DYNAMODB_TABLE") ?? "apps";
}
