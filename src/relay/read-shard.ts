import { backoff } from "../async/backoff.ts";
import {
  IteratorExpiredError,
  RecordsTrimmedError,
  StreamGoneError,
  StreamThrottledError,
} from "../aws/errors.ts";
import type { StreamPage, TableStream } from "../aws/table-stream.ts";
import { encodeFlush } from "../protocol/encode.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { pauseUnless, isOver } from "./pause.ts";
import { END, type Position, START } from "./shards.ts";
import type { RelayState } from "./state.ts";
import type { RawRecord } from "./take-records.ts";

/** What became of a request for records. */
export const OUTCOMES = ["records", "empty", "expired", "trimmed", "throttled", "failed"] as const;
type Outcome = (typeof OUTCOMES)[number];

export interface ShardContext {
  readonly stream: TableStream;
  readonly arn: string;
  readonly shard: string;
  readonly checkpoints: Checkpoints;
  /** Applies and publishes records, and moves the checkpoint on. Until then nothing else of the shard is read. */
  readonly take: (records: readonly RawRecord[]) => Promise<void>;
  readonly state: RelayState;
  readonly report: {
    streamRead(outcome: Outcome): void;
    recordsLost(shard: string, reason: string): void;
  };
  readonly signal: AbortSignal;
  /** From one request to the next while there is little to read. Milliseconds. */
  readonly pollMs: number;
  readonly clock: () => number;
  readonly now: () => number;
}

/** A page has at most so much, or so many (AWS's limits: 1 MB, 1,000): from half of it on, others follow. */
const LARGE_PAGE_BYTES = 512 * 1024;
const LARGE_PAGE_RECORDS = 500;

/** A record that is older tells that there are more. AWS gives whole seconds, DynamoDB Local whole minutes. Milliseconds. */
const RECENT_MS = 65_000;

const MAX_PAUSE_MS = 5_000;

/**
 * Reads one shard from where its checkpoint is, until it ends or the signal is aborted; rejects with what `take` does.
 *
 * An iterator that has expired is looked up again. Records that are gone before they were read are a flush, and the shard
 * goes on from the oldest that is left.
 */
export async function readShard(context: ShardContext): Promise<void> {
  const { shard, checkpoints, signal, state, report, pollMs, clock } = context;
  let iterator: string | undefined;
  let failures = 0;
  let isTrimmed = false;
  state.shardBegun(shard);
  while (!isOver(signal)) {
    const askedAt = clock();
    state.requested();
    let page: StreamPage;
    try {
      iterator ??= await iteratorAt(context, checkpoints.position(shard));
      page = await context.stream.read(iterator, signal);
    } catch (error) {
      if (isOver(signal)) return;
      iterator = error instanceof StreamThrottledError ? iterator : undefined;
      failures += 1;
      report.streamRead(outcomeOf(error));
      if (error instanceof StreamGoneError) {
        // Whoever lists the shards sees that it is gone, and what is lost by that.
        state.answered();
        return;
      }
      if (error instanceof RecordsTrimmedError) {
        state.answered();
        // Once can be the iterator's age alone.
        if (isTrimmed) await startAnew(context, error.message);
        isTrimmed = !isTrimmed;
      } else if (error instanceof IteratorExpiredError || error instanceof StreamThrottledError) {
        state.answered();
      } else state.troubleWith("stream", error);
      await pauseUnless(signal, backoff(failures, pollMs, MAX_PAUSE_MS));
      continue;
    }
    state.answered();
    failures = 0;
    isTrimmed = false;
    await takePage(page, context, askedAt);
    if (isOver(signal)) return;
    iterator = page.next;
    if (iterator === undefined) {
      await checkpoints.moveTo(shard, END);
      return;
    }
    if (!hasMore(page, context)) await pauseUnless(signal, Math.max(0, pollMs - (clock() - askedAt)));
  }
}

async function takePage(page: StreamPage, context: ShardContext, askedAt: number): Promise<void> {
  const { shard, state, report, take, signal } = context;
  report.streamRead(page.records.length > 0 ? "records" : "empty");
  if (page.records.length > 0) await take(page.records);
  if (!isOver(signal) && !hasMore(page, context)) state.shardCurrent(shard, askedAt);
}

/** Whether others follow, for all that can be known: they are read without a pause then. */
function hasMore({ records }: StreamPage, { now }: ShardContext): boolean {
  const bytes = records.reduce((sum, { dynamodb }) => sum + (dynamodb?.SizeBytes ?? 0), 0);
  if (records.length >= LARGE_PAGE_RECORDS || bytes >= LARGE_PAGE_BYTES) return true;
  const writtenAt = records.at(-1)?.dynamodb?.ApproximateCreationDateTime?.getTime();
  return writtenAt !== undefined && now() - writtenAt > RECENT_MS;
}

function iteratorAt({ stream, arn, shard, signal }: ShardContext, at: Position): Promise<string> {
  return stream.iterator({ arn, shard, after: at === START ? undefined : at }, signal);
}

async function startAnew({ shard, checkpoints, report, now }: ShardContext, reason: string): Promise<void> {
  await checkpoints.startAnew(shard, encodeFlush(`stream records are lost: ${reason}`, now()));
  report.recordsLost(shard, reason);
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof IteratorExpiredError) return "expired";
  if (error instanceof RecordsTrimmedError) return "trimmed";
  return error instanceof StreamThrottledError ? "throttled" : "failed";
}
