import type { Context } from "aws-lambda";
import { createAppsReader } from "../src/aws/apps-reader.ts";
import { openDynamoDb } from "../src/aws/clients.ts";
import { readPipelineConfig, withSharedCache } from "../src/config/pipeline.ts";
import { openPipeline } from "../src/lambda/open-pipeline.ts";
import type { SweepOutcome } from "../src/pipeline/ports.ts";
import { sweep } from "../src/pipeline/sweep.ts";

const config = withSharedCache(readPipelineConfig(process.env));
const table = createAppsReader(openDynamoDb(config).tables, config.table);
const timeouts = { connectMs: 1_500, commandMs: 5_000, silenceMs: 2_000, retriesPerCommand: 2 };
const { telemetry, redis, batch } = openPipeline(config, { timeouts, table });

/** Table and shared cache compared, and repaired: invoked on a schedule. */
export async function handler(_event: unknown, context: Context): Promise<SweepOutcome> {
  try {
    await redis.prepare();
    const { sharedCache, remainingMs } = batch(context);
    const outcome = await sweep({ cache: sharedCache, table, remainingMs });
    telemetry.report.swept(outcome);
    return outcome;
  } catch (error) {
    telemetry.report.sweepFailed(error);
    throw error;
  } finally {
    telemetry.flush();
  }
}
