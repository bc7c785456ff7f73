import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { openPipelineRedis } from "../src/redis/pipeline-connection.ts";
import { createPowertools } from "../src/lambda/powertools.ts";
import { createRedisLog } from "../src/redis/log.ts";
import { createSoketiAppCache } from "../src/redis/shared-app-cache.ts";
import { readPipelineConfig } from "../src/config/pipeline.ts";
import { runBatch } from "../src/pipeline/run-batch.ts";
import { SharedCache } from "../src/pipeline/shared-cache.ts";

const config = readPipelineConfig(process.env);
const powertools = createPowertools();
// Less than a second to find out that a socket died while the function slept, and to publish over a new one.
const redis = openPipelineRedis(
  config,
  { connectMs: 1_500, commandMs: 1_000, silenceMs: 500, retriesPerCommand: 1 },
  powertools.connectionError,
);
const log = createRedisLog(redis.connection, config.names, config.logLength);
const sharedCache =
  config.sharedCache &&
  new SharedCache(config.sharedCache.mode, createSoketiAppCache(redis.connection, config.sharedCache));

/** Table change -> invalidation: invoked by the event source mapping of the apps table's stream. */
export async function handler(event: DynamoDBStreamEvent, context: Context): Promise<DynamoDBBatchResponse> {
  try {
    return await runBatch(event, {
      prepare: () => redis.prepare(),
      log,
      sharedCache,
      report: powertools.report,
      table: config.table,
      ...(config.region === undefined ? {} : { region: config.region }),
      now: Date.now,
      remainingMs: () => context.getRemainingTimeInMillis(),
    });
  } finally {
    powertools.flush();
  }
}
