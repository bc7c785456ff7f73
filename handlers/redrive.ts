import type { Context, SQSBatchResponse, SQSEvent, SQSRecordAttributes } from "aws-lambda";
import { createAppsReader } from "../src/aws/apps-reader.ts";
import { openDynamoDb } from "../src/aws/clients.ts";
import { createStreamReader } from "../src/aws/stream-reader.ts";
import { readPipelineConfig } from "../src/config/pipeline.ts";
import { BATCH_TIMEOUTS, openPipeline } from "../src/lambda/open-pipeline.ts";
import { Flushes } from "../src/pipeline/flushes.ts";
import { redriveMessages } from "../src/pipeline/redrive.ts";

const config = readPipelineConfig(process.env);
const { tables, streams } = openDynamoDb(config);
const stream = createStreamReader(streams);
const table = createAppsReader(tables, config.table);
const { telemetry, batch } = openPipeline(config, { timeouts: BATCH_TIMEOUTS, table });

const flushes = new Flushes();

/** Failed range of the stream -> the invalidations that it lacks: invoked by the failure queue. */
export async function handler({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  try {
    const redrive = { stream, report: telemetry.report, batch: batch(context), flushes };
    const messages = Records.map(({ messageId, body, attributes }) => ({
      messageId,
      body,
      sentAt: sentAt(attributes),
    }));
    const failed = await redriveMessages(messages, redrive);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  } finally {
    telemetry.flush();
  }
}

function sentAt(attributes: Partial<SQSRecordAttributes> | undefined): number | undefined {
  const ms = Number(attributes?.SentTimestamp);
  return ms > 0 ? ms : undefined;
}
