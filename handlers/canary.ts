import type { Context } from "aws-lambda";
import { createCanaryItem } from "../src/aws/canary-item.ts";
import { openDynamoDb } from "../src/aws/clients.ts";
import { readCanaryConfig } from "../src/config/canary.ts";
import { readPipelineConfig } from "../src/config/pipeline.ts";
import { keepCanaryResult } from "../src/fleet/canary-results.ts";
import { measureChange } from "../src/fleet/measure-change.ts";
import { BATCH_TIMEOUTS, openPipeline } from "../src/lambda/open-pipeline.ts";
import type { CanaryResult } from "../src/protocol/canary.ts";
import { createFleet } from "../src/redis/fleet.ts";

/** So long it is waited for the nodes, unless the function has less: two never run at once. Milliseconds. */
const LIMIT_MS = 20_000;

/** What is left then, to tell of it. Milliseconds. */
const RESERVE_MS = 5_000;

const config = readPipelineConfig(process.env);
const { appId, intervalMs } = readCanaryConfig(process.env);
const item = createCanaryItem(openDynamoDb(config).tables, config.table, appId);
const { telemetry, redis } = openPipeline(config, { timeouts: BATCH_TIMEOUTS });

/** A write of its own item, timed until the last node has it: invoked on a schedule. */
export async function handler(_event: unknown, context: Context): Promise<CanaryResult> {
  try {
    await redis.prepare();
    const connection = redis.during(() => context.getRemainingTimeInMillis());
    const fleet = createFleet(connection, config.names);
    const limitMs = Math.min(LIMIT_MS, context.getRemainingTimeInMillis() - RESERVE_MS);
    const result = await measureChange(fleet, item, { limitMs, intervalMs });
    telemetry.report.canaryMeasured(result, config.sharedCache !== undefined);
    await keepCanaryResult(connection, config.names.canary, result);
    return result;
  } catch (error) {
    telemetry.report.canaryFailed(error);
    throw error;
  } finally {
    telemetry.flush();
  }
}
