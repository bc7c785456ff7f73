import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { createAppsReader } from "../src/aws/apps-reader.ts";
import { openDynamoDb } from "../src/aws/clients.ts";
import { createStreamReader } from "../src/aws/stream-reader.ts";
import { openPipelineRedis } from "../src/redis/pipeline-connection.ts";
import { createPowertools } from "../src/lambda/powertools.ts";
import { createRedisLog } from "../src/redis/log.ts";
import { createSoketiAppCache } from "../src/redis/shared-app-cache.ts";
import { readPipelineConfig } from "../src/config/pipeline.ts";
import { redriveMessages } from "../src/pipeline/redrive.ts";
import { SharedCache } from "../src/pipeline/shared-cache.ts";

const config = readPipelineConfig(process.env);
const powertools = createPowertools();
const redis = openPipelineRedis(
  config,
  { connectMs: 1_500, commandMs: 1_000, silenceMs: 500, retriesPerCommand: 1 },
  powertools.connectionError,
);
const log = createRedisLog(redis.connection, config.names, config.logLength);
const { tables, streams } = openDynamoDb(config);
const sharedCache =
  config.sharedCache &&
  new SharedCache(
    config.sharedCache.mode,
    createSoketiAppCache(redis.connection, config.sharedCache),
    createAppsReader(tables, config.table),
  );

/** Failed range of the stream -> the invalidations that it lacks: invoked by the failure queue. */
export async function handler({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  try {
    const failed = await redriveMessages(Records, {
      stream: createStreamReader(streams),
      report: powertools.report,
      batch: {
        prepare: () => redis.prepare(),
        log,
        sharedCache,
        report: powertools.report,
        table: config.table,
        ...(config.region === undefined ? {} : { region: config.region }),
        now: Date.now,
        remainingMs: () => context.getRemainingTimeInMillis(),
      },
    });
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  } finally {
    powertools.flush();
  }
}
