import type { SharedCacheMode } from "../pipeline/shared-cache.ts";
import { type BusNames, busNames, defaultPrefix } from "../protocol/names.ts";
import { EnvReader, type Environment } from "./env.ts";
import { readRedis, type RedisSettings } from "./redis.ts";
import { readRedisCredentials, type RedisCredentialsSource } from "./redis-credentials.ts";

/** What a deployed function needs to know. */
export interface PipelineConfig {
  readonly redis: RedisSettings;
  /** Absent: what `redis` holds. */
  readonly redisCredentials?: RedisCredentialsSource;
  readonly names: BusNames;
  readonly table: string;
  /** Where the function runs; said in each message. */
  readonly region?: string;
  /** How many messages the log keeps, at least: an agent that was away for longer flushes. Default 10,000. */
  readonly logLength: number;
  /** soketi's own app cache in Redis, for fleets on `SOKETI_CACHE_DRIVER=redis`. Absent: it is left alone. */
  readonly sharedCache?: SharedCacheConfig;
  /** Where DynamoDB is, when it is not AWS's own: a local one. */
  readonly dynamodbEndpoint?: string;
}

export interface SharedCacheConfig {
  readonly mode: SharedCacheMode;
  /** soketi's `DB_REDIS_KEY_PREFIX`. Default none. */
  readonly keyPrefix: string;
  /** soketi's `APP_MANAGER_CACHE_TTL`, in seconds. 0 or less: for ever. Default -1. */
  readonly ttlSeconds: number;
}

/** @throws ConfigError with every mistake. */
export function readPipelineConfig(environment: Environment): PipelineConfig {
  const env = new EnvReader(environment);
  const redis = readRedis(env);
  if (!redis && env.mistakes.length === 0) {
    env.mistakes.push("REDIS_URL, REDIS_CLUSTER_NODES or REDIS_SENTINELS: expected one of them, found none.");
  }
  const redisCredentials = readRedisCredentials(env, redis);
  const table = readTable(env);
  const region = env.text("AWS_REGION");
  const logLength = env.integer("APP_SYNC_LOG_LENGTH", { min: 100, max: 10_000_000, default: 10_000 });
  const names = busNames(env.text("APP_SYNC_PREFIX") ?? defaultPrefix(table));
  const sharedCache = readSharedCache(env);
  const dynamodbEndpoint = env.text("APP_MANAGER_DYNAMODB_ENDPOINT", "SOKETI_APP_MANAGER_DYNAMODB_ENDPOINT");
  env.finish();
  return {
    redis: redis as RedisSettings,
    names,
    table,
    logLength,
    ...(redisCredentials ? { redisCredentials } : {}),
    ...(region === undefined ? {} : { region }),
    ...(sharedCache ? { sharedCache } : {}),
    ...(dynamodbEndpoint === undefined ? {} : { dynamodbEndpoint }),
  };
}

/** `SHARED_CACHE`, and soketi's own variables, with or without its prefix, for where its entries are. */
function readSharedCache(env: EnvReader): SharedCacheConfig | undefined {
  const mode = env.choice("SHARED_CACHE", ["off", "evict", "refresh"]);
  const ttlSeconds = env.integer(["APP_MANAGER_CACHE_TTL", "SOKETI_APP_MANAGER_CACHE_TTL"], {
    min: -1,
    max: 31_536_000,
    default: -1,
  });
  const keyPrefix = env.text("DB_REDIS_KEY_PREFIX", "SOKETI_DB_REDIS_KEY_PREFIX") ?? "";
  return mode === "off" ? undefined : { mode, keyPrefix, ttlSeconds };
}

/** The table under soketi's own name, with or without its prefix; soketi's default otherwise. */
export function readTable(env: EnvReader): string {
  return env.text("APP_MANAGER_DYNAMODB_TABLE", "SOKETI_APP_MANAGER_DYNAMODB_TABLE") ?? "apps";
}
