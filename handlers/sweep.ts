import type { Context } from "aws-lambda";
import { createAppsReader } from "../src/aws/apps-reader.ts";
import { openDynamoDb } from "../src/aws/clients.ts";
import { openPipelineRedis } from "../src/redis/pipeline-connection.ts";
import { createPowertools } from "../src/lambda/powertools.ts";
import { createSoketiAppCache } from "../src/redis/shared-app-cache.ts";
import { readPipelineConfig } from "../src/config/pipeline.ts";
import type { SweepOutcome } from "../src/pipeline/ports.ts";
import { SharedCache } from "../src/pipeline/shared-cache.ts";
import { sweep } from "../src/pipeline/sweep.ts";

const config = readPipelineConfig(process.env);
if (!config.sharedCache) throw new Error("SHARED_CACHE: expected evict or refresh for the sweep, found off");
const powertools = createPowertools();
const redis = openPipelineRedis(
  config,
  { connectMs: 1_500, commandMs: 5_000, silenceMs: 2_000, retriesPerCommand: 2 },
  powertools.connectionError,
);
const table = createAppsReader(openDynamoDb(config).tables, config.table);
const store = createSoketiAppCache(redis.connection, config.sharedCache);
const cache = new SharedCache(config.sharedCache.mode, store, table);

/** Table and shared cache compared, and repaired: invoked on a schedule. */
export async function handler(_event: unknown, context: Context): Promise<SweepOutcome> {
  try {
    await redis.prepare();
    const outcome = await sweep({
      cache,
      store,
      table,
      remainingMs: () => context.getRemainingTimeInMillis(),
    });
    powertools.report.swept(outcome);
    return outcome;
  } catch (error) {
    powertools.report.sweepFailed(error);
    throw error;
  } finally {
    powertools.flush();
  }
}
