import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { createAppsReader } from "../src/aws/apps-reader.ts";
import { openDynamoDb } from "../src/aws/clients.ts";
import { createStreamReader } from "../src/aws/stream-reader.ts";
import { readPipelineConfig } from "../src/config/pipeline.ts";
import { BATCH_TIMEOUTS, openPipeline } from "../src/lambda/open-pipeline.ts";
import { redriveMessages } from "../src/pipeline/redrive.ts";

const config = readPipelineConfig(process.env);
const { tables, streams } = openDynamoDb(config);
const stream = createStreamReader(streams);
const table = createAppsReader(tables, config.table);
const { telemetry, batch } = openPipeline(config, { timeouts: BATCH_TIMEOUTS, table });

/** Failed range of the stream -> the invalidations that it lacks: invoked by the failure queue. */
export async function handler({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  try {
    const redrive = { stream, report: telemetry.report, batch: batch(context) };
    const failed = await redriveMessages(Records, redrive);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  } finally {
    telemetry.flush();
  }
}
