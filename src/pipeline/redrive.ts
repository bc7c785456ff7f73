import { encodeFlush } from "../protocol/encode.ts";
import { ForeignRangeError, RangeGoneError, RedriveError } from "./errors.ts";
import { Flushes } from "./flushes.ts";
import type { FailedRange, RedriveReporter, StreamReader } from "./ports.ts";
import { type BatchContext, runBatch } from "./run-batch.ts";

export interface RedriveContext {
  readonly stream: StreamReader;
  readonly batch: Omit<BatchContext, "late" | "flushes">;
  readonly report: RedriveReporter;
  /** Of this process, over its invocations. Default: none yet. */
  readonly flushes?: Flushes | undefined;
}

/**
 * Does what the failed invocations did not: publishes the changes of a range. When the stream has lost some of it, all
 * apps are flushed instead, unless they have been since it was lost. To do it twice is harmless.
 *
 * @throws RedriveError, ForeignRangeError, or what the stream throws; it can be tried again.
 */
export async function redrive(
  range: FailedRange,
  context: RedriveContext,
  owed: Owed = oweOnce(context),
): Promise<"redriven" | "flushed"> {
  assertOurs(range, context.batch.table);
  const { streamArn } = range;
  let records = 0;
  try {
    for await (const page of context.stream.read(range)) {
      // Newer changes of the same apps may be in force already.
      const batch = { ...context.batch, streamArn, late: true, flushes: owed };
      const { batchItemFailures } = await runBatch({ Records: page }, batch);
      if (batchItemFailures.length > 0) {
        throw new RedriveError(
          `Could not publish ${describe(range)}: Redis or the table failed, see the log`,
        );
      }
      records += page.length;
    }
  } catch (error) {
    if (!(error instanceof RangeGoneError)) throw error;
    await flushFor(range, error.message, context, owed);
    return "flushed";
  }
  context.report.rangeRedriven(range, records);
  return "redriven";
}

/** A message of the failure queue, as SQS hands it to a function. */
export interface FailureMessage {
  readonly messageId: string;
  readonly body: string;
  /** When it came to the queue. Milliseconds since 1970. */
  readonly sentAt?: number | undefined;
}

/**
 * Redrives the ranges that messages name. A message that names none makes all apps be flushed: changes have failed, and
 * only forgetting everything is sure to include them.
 *
 * @returns ids of the messages that must stay in the queue.
 */
export async function redriveMessages(
  messages: readonly FailureMessage[],
  context: RedriveContext,
): Promise<string[]> {
  const failed: string[] = [];
  const flushes = context.flushes ?? new Flushes();
  const invokedAt = context.batch.now();
  for (const { messageId, body, sentAt } of messages) {
    const range = parseFailedRange(body);
    const owed = {
      isNeeded: () => !flushes.cover(invokedAt, sentAt),
      sent: (at: number) => flushes.sent(at),
    };
    try {
      if (range) await redrive(range, context, owed);
      else await flushFor(undefined, NO_RANGE, context, owed);
    } catch (error) {
      context.report.redriveFailed(range, error);
      failed.push(messageId);
    }
  }
  return failed;
}

async function flushFor(
  range: FailedRange | undefined,
  reason: string,
  { batch, report }: RedriveContext,
  owed: Owed,
): Promise<void> {
  const { prepare, log, now } = batch;
  if (owed.isNeeded()) {
    const at = now();
    await prepare?.();
    await log.append([encodeFlush(`stream records are lost: ${reason}`, at)]);
    owed.sent(at);
  }
  report.rangeGone(range, reason);
}

/** Whether a flush is owed for what was lost. */
type Owed = NonNullable<BatchContext["flushes"]>;

function oweOnce({ flushes = new Flushes(), batch }: RedriveContext): Owed {
  const invokedAt = batch.now();
  return { isNeeded: () => !flushes.cover(invokedAt), sent: (at) => flushes.sent(at) };
}

const NO_RANGE = "expected DDBStreamBatchInfo with a range of records, found none";

/**
 * Reads what Lambda sends to a failure queue for a stream: the range, never its records.
 *
 * @returns undefined when it is something else.
 */
function parseFailedRange(body: string): FailedRange | undefined {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    // It names no range, so the caller flushes.
    return undefined;
  }
  const info = (message as { DDBStreamBatchInfo?: unknown } | null)?.DDBStreamBatchInfo;
  if (typeof info !== "object" || info === null) return undefined;
  const { streamArn, shardId, startSequenceNumber, endSequenceNumber } = info as Record<string, unknown>;
  if (typeof streamArn !== "string" || typeof shardId !== "string") return undefined;
  if (!isSequenceNumber(startSequenceNumber) || !isSequenceNumber(endSequenceNumber)) return undefined;
  return { streamArn, shardId, from: startSequenceNumber, to: endSequenceNumber };
}

function isSequenceNumber(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,40}$/.test(value);
}

function assertOurs({ streamArn }: FailedRange, table: string): void {
  const found = /:table\/([^/]+)\/stream\//.exec(streamArn)?.[1];
  if (found === table) return;
  throw new ForeignRangeError(
    `expected a range of table ${table}'s stream, found ${streamArn}: this queue must be fed by that table's function only`,
  );
}

function describe({ shardId, from, to }: FailedRange): string {
  return `records ${from} to ${to} of ${shardId}`;
}
