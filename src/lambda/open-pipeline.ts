import type { PipelineConfig } from "../config/pipeline.ts";
import type { SharedCacheConfig } from "../config/shared-cache.ts";
import type { AppsReader } from "../pipeline/ports.ts";
import type { BatchContext } from "../pipeline/run-batch.ts";
import type { SharedCache } from "../pipeline/shared-cache.ts";
import type { RedisTimeouts } from "../redis/client-options.ts";
import type { RedisConnection, RedisLibrary } from "../redis/library.ts";
import { createRedisLog, type RedisLog } from "../redis/log.ts";
import { openPipelineRedis, type PipelineRedis } from "../redis/pipeline-connection.ts";
import { createSharedCache } from "../redis/shared-app-cache.ts";
import { createPowertools, type Telemetry } from "./powertools.ts";

/** What each deployed function works with, and the relay; made once for each process. */
export interface Pipeline {
  readonly telemetry: Telemetry;
  /** For work that nothing stops. */
  readonly log: RedisLog;
  readonly redis: PipelineRedis;
  /** What a batch needs in one invocation. Its `sharedCache` is undefined while that is off. */
  readonly batch: (invocation: Invocation) => BatchContext;
}

/** Lambda's context, as far as it is used. */
export interface Invocation {
  getRemainingTimeInMillis(): number;
}

/** The same where the shared cache is on. */
export interface PipelineWithCache extends Pipeline {
  readonly batch: (invocation: Invocation) => BatchContext & { readonly sharedCache: SharedCache };
}

export interface PipelineOptions {
  readonly timeouts: RedisTimeouts;
  /**
   * For what records do not tell of an app in the shared cache. Not opened here: the SDK's client, which the function on the
   * stream does without, would double what is loaded at its cold start.
   */
  readonly table?: AppsReader | undefined;
  /** Default: Powertools', for CloudWatch. */
  readonly telemetry?: Telemetry | undefined;
  /** Default: ioredis. */
  readonly library?: RedisLibrary | undefined;
}

/** Less than a second to find out that a socket died while the function slept, and to publish over a new one. */
export const BATCH_TIMEOUTS: RedisTimeouts = {
  connectMs: 1_500,
  commandMs: 1_000,
  silenceMs: 500,
  retriesPerCommand: 1,
};

/** Opens nothing by itself: Redis is connected to when it is first used. */
export function openPipeline(
  config: PipelineConfig & { readonly sharedCache: SharedCacheConfig },
  options: PipelineOptions,
): PipelineWithCache;
export function openPipeline(config: PipelineConfig, options: PipelineOptions): Pipeline;
export function openPipeline(config: PipelineConfig, options: PipelineOptions): Pipeline {
  const { timeouts, table, telemetry = createPowertools(), library } = options;
  const redis = openPipelineRedis(config, timeouts, telemetry.connectionError, { library });
  const logOn = (connection: RedisConnection) =>
    createRedisLog(connection, config.names, config, redis.witnesses.of(connection));
  const sharedCacheOn = (connection: RedisConnection) =>
    config.sharedCache && createSharedCache(connection, config.sharedCache, table);
  return {
    telemetry,
    log: logOn(redis.connection),
    redis,
    batch(invocation) {
      const remainingMs = () => invocation.getRemainingTimeInMillis();
      // Of this invocation alone: what is left of it when its time is up must not go on in the next.
      const connection = redis.during(remainingMs);
      return {
        prepare: () => redis.prepare(),
        log: logOn(connection),
        sharedCache: sharedCacheOn(connection),
        report: telemetry.report,
        table: config.table,
        region: config.region,
        now: Date.now,
        remainingMs,
      };
    },
  };
}
