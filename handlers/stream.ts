import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { readPipelineConfig } from "../src/config/pipeline.ts";
import { BATCH_TIMEOUTS, openPipeline } from "../src/lambda/open-pipeline.ts";
import { runBatch } from "../src/pipeline/run-batch.ts";

const { telemetry, batch } = openPipeline(readPipelineConfig(process.env), { timeouts: BATCH_TIMEOUTS });

/** Table change -> invalidation: invoked by the event source mapping of the apps table's stream. */
export async function handler(event: DynamoDBStreamEvent, context: Context): Promise<DynamoDBBatchResponse> {
  try {
    return await runBatch(event, batch(context));
  } finally {
    telemetry.flush();
  }
}
