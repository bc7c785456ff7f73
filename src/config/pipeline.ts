import type { BusNames } from "../protocol/names.ts";
import { EnvReader, type Environment, shown } from "./env.ts";
import { ConfigError } from "./errors.ts";
import { readMinReplicas } from "./min-replicas.ts";
import { readNames } from "./names.ts";
import { readRedis, type RedisSettings, refuseOtherDatabase } from "./redis.ts";
import { readRedisCredentials, type RedisCredentialsSource } from "./redis-credentials.ts";
import { readSharedCache, refuseSharedNames, type SharedCacheConfig } from "./shared-cache.ts";

/** What a deployed function needs to know. */
export interface PipelineConfig {
  readonly redis: RedisSettings;
  /** Absent: what `redis` holds. */
  readonly redisCredentials?: RedisCredentialsSource | undefined;
  readonly names: BusNames;
  readonly table: string;
  /** Where the function runs; said in each message. */
  readonly region?: string | undefined;
  /** How many messages the log keeps, at least: an agent that was away for longer flushes. Default 10,000. */
  readonly logLength: number;
  /** How many replicas must have a message before it counts. Default 0: none is asked. */
  readonly minReplicas: number;
  /** How many bytes of messages the log keeps, at most. Default 32 MiB. */
  readonly logBytes: number;
  /** The app caches in Redis that servers share. Absent: they are left alone. */
  readonly sharedCache?: SharedCacheConfig | undefined;
  /** Where DynamoDB is, when it is not AWS's own: a local one. */
  readonly dynamodbEndpoint?: string | undefined;
}

/** What an operator's tools need to know: the same, but for some of their work no Redis is needed. */
export type ToolsConfig = Omit<PipelineConfig, "redis"> & {
  readonly redis?: RedisSettings | undefined;
};

/** @throws ConfigError with every mistake. */
export function readPipelineConfig(environment: Environment): PipelineConfig {
  const env = new EnvReader(environment);
  const config = readConfig(env, env.text("AWS_REGION"));
  if (!config.redis && env.mistakes.length === 0) env.mistakes.push(NO_REDIS);
  env.finish();
  return config as PipelineConfig;
}

/**
 * The region is also taken from soketi's own variable; a DynamoDB at another address than AWS's needs none, but its SDK
 * asks for one.
 *
 * @throws ConfigError with every mistake.
 */
export function readToolsConfig(environment: Environment): ToolsConfig {
  const env = new EnvReader(environment);
  const config = readOutsideLambda(env);
  env.finish();
  return config;
}

/** As `readToolsConfig`, with Redis; mistakes are left to the reader, who has more to read. */
export function readPipelineOutsideLambda(env: EnvReader): ToolsConfig {
  const config = readOutsideLambda(env);
  if (!config.redis && env.mistakes.length === 0) env.mistakes.push(NO_REDIS);
  return config;
}

function readOutsideLambda(env: EnvReader): ToolsConfig {
  const region = env.text("AWS_REGION", "APP_MANAGER_DYNAMODB_REGION", "SOKETI_APP_MANAGER_DYNAMODB_REGION");
  const config = readConfig(env, region);
  return config.dynamodbEndpoint === undefined || region !== undefined
    ? config
    : { ...config, region: "us-east-1" };
}

/** @throws ConfigError without Redis. */
export function withRedisSettings(config: ToolsConfig): PipelineConfig {
  if (!config.redis) throw new ConfigError([NO_REDIS]);
  return { ...config, redis: config.redis };
}

/** @throws ConfigError while the shared cache is off. */
export function withSharedCache<C extends ToolsConfig>(config: C): C & { sharedCache: SharedCacheConfig } {
  const { sharedCache } = config;
  if (!sharedCache) {
    throw new ConfigError(["SHARED_CACHE: expected evict or refresh for the sweep, found off"]);
  }
  return { ...config, sharedCache };
}

const NO_REDIS = "REDIS_URL, REDIS_CLUSTER_NODES or REDIS_SENTINELS: expected one of them, found none.";

function readConfig(env: EnvReader, region: string | undefined): ToolsConfig {
  const redis = readRedis(env);
  refuseOtherDatabase(env, redis);
  const table = readTable(env);
  const names = readNames(env, table, redis);
  const sharedCache = readSharedCache(env);
  if (sharedCache) refuseSharedNames(env, names, sharedCache);
  return {
    redis,
    redisCredentials: readRedisCredentials(env, redis),
    table,
    ...readLogLimits(env),
    minReplicas: readMinReplicas(env, redis),
    names,
    sharedCache,
    region,
    dynamodbEndpoint: readEndpoint(env),
  };
}

const ENDPOINTS = ["APP_MANAGER_DYNAMODB_ENDPOINT", "SOKETI_APP_MANAGER_DYNAMODB_ENDPOINT"];

/** Host and perhaps a path. What else a URL may hold the SDK leaves out, and it may be a password. */
const ENDPOINT = /^https?:\/\/[^\s/?#@\\]+(?:\/[^\s?#@\\]*)?$/i;

/** The SDK takes `localhost:8000` for a host named 8000. */
function readEndpoint(env: EnvReader): string | undefined {
  const value = env.text(...ENDPOINTS)?.trim();
  if (value === undefined || (ENDPOINT.test(value) && URL.canParse(value))) return value;
  const name = ENDPOINTS.find((one) => env.text(one) !== undefined) ?? "";
  const expected = "a URL with http:// or https://, and without user, password, query and fragment";
  env.wrong(name, expected, shown(value), "http://localhost:8000");
  return undefined;
}

/** How much of the log is kept, by whoever writes to it. */
export function readLogLimits(env: EnvReader): Pick<PipelineConfig, "logLength" | "logBytes"> {
  return {
    logLength: env.integer("APP_SYNC_LOG_LENGTH", { min: 100, max: 10_000_000, default: 10_000 }),
    logBytes: env.integer("APP_SYNC_LOG_BYTES", { min: 2 ** 20, max: 2 ** 34, default: 2 ** 25 }),
  };
}

/** The table under soketi's own name, with or without its prefix; soketi's default otherwise. */
export function readTable(env: EnvReader): string {
  const table = env.text(...TABLES) ?? "apps";
  if (TABLE.test(table)) return table;
  const name = TABLES.find((one) => env.text(one) !== undefined) ?? "";
  env.wrong(name, "a table's name, of letters, digits, _ . and -", shown(table), "apps");
  return "apps";
}

const TABLES = ["APP_MANAGER_DYNAMODB_TABLE", "SOKETI_APP_MANAGER_DYNAMODB_TABLE"];

/** DynamoDB's own rule. With anything else the function would write to a log that no node follows. */
const TABLE = /^[\w.-]{1,255}$/;
