import { backoff } from "../async/backoff.ts";
import { within } from "../async/within.ts";
import { encodeFlush } from "../protocol/encode.ts";
import { CacheChanges } from "../pipeline/cache-changes.ts";
import { decodeRecord } from "../pipeline/decode.ts";
import { type BatchContext, runBatch } from "../pipeline/run-batch.ts";
import { updateSharedCache } from "../pipeline/update-shared-cache.ts";
import { RedisError, RedisLoginError } from "../redis/errors.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { pauseUnless, isOver } from "./pause.ts";

/** A record as the SDK gives it. */
export interface RawRecord {
  readonly dynamodb?: { readonly SequenceNumber?: string | undefined } | undefined;
}

export interface TakeContext {
  readonly shard: string;
  readonly checkpoints: Checkpoints;
  /** What a batch needs besides the log, which the checkpoints append to. Made for each attempt. */
  readonly batch: () => Omit<BatchContext, "log">;
  readonly report: {
    /** One record failed for too long by itself. @param instead what was published for it. */
    recordGivenUp(sequenceNumber: string, error: unknown, instead: "invalidation" | "flush"): void;
  };
  /** Ends it between two attempts. */
  readonly signal: AbortSignal;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly now: () => number;
}

/** Between two attempts. Milliseconds. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/**
 * How long one record may fail by itself, with Redis well, before it is given up: what comes after it in its shard waits.
 * Milliseconds.
 */
const RECORD_LIMIT_MS = 60_000;

/**
 * Puts records of one shard in force, in order, and takes its position on: as Lambda does it with a function, with one
 * difference. There is no failure queue: while Redis does not take them they are tried for ever, since the stream keeps them
 * for a day; and a record that fails by itself is found by halving the batch, and after a minute of trying makes its app be
 * invalidated, or everything be flushed. So it is never lost, and holds nothing up for longer.
 *
 * @throws RedisError with the code FENCED once another relay has taken over. Anything else is tried again.
 */
export async function takeRecords(records: readonly RawRecord[], context: TakeContext): Promise<void> {
  let ranges: (readonly RawRecord[])[] = [records];
  let failures = 0;
  /** When the record that is tried alone failed first. */
  let failingSince: number | undefined;
  while (!isOver(context.signal)) {
    const [range, ...rest] = ranges;
    if (!range) return;
    const failure = await attempt(range, context);
    if (failure === undefined) {
      ranges = rest;
      failures = 0;
      failingSince = undefined;
      continue;
    }
    failures += 1;
    if (isOfRedis(failure.error)) failingSince = undefined;
    else if (range.length > 1) {
      const middle = Math.ceil(range.length / 2);
      ranges = [range.slice(0, middle), range.slice(middle), ...rest];
      continue;
    } else {
      failingSince ??= context.clock();
      const isOverdue = context.clock() - failingSince >= RECORD_LIMIT_MS;
      if (isOverdue && (await giveUp(range, failure.error, context))) {
        ranges = rest;
        failures = 0;
        // The next one has its own minute.
        failingSince = undefined;
        continue;
      }
    }
    await pauseUnless(context.signal, backoff(failures, FIRST_PAUSE_MS, MAX_PAUSE_MS));
  }
}

/** What went wrong; undefined when all is in force. @throws RedisError when the term is over. */
async function attempt(
  records: readonly RawRecord[],
  { shard, checkpoints, batch }: TakeContext,
  changes: Partial<BatchContext> = {},
): Promise<{ error: unknown } | undefined> {
  const to = sequenceNumberOf(records.at(-1));
  const context = { ...batch(), ...changes };
  const { report } = context;
  let failure: { error: unknown } | undefined;
  try {
    const { batchItemFailures } = await runBatch(
      { Records: records },
      {
        ...context,
        log: {
          append: (messages) => checkpoints.append(messages, shard, to),
          makeRoom: () => checkpoints.makeRoom(),
        },
        report: {
          ...report,
          publishFailed(error, sequenceNumber, count) {
            failure = { error };
            report.publishFailed(error, sequenceNumber, count);
          },
        },
      },
    );
    if (batchItemFailures.length === 0) {
      // Nothing to tell anybody: the position goes on all the same.
      await checkpoints.moveTo(shard, to);
      return undefined;
    }
  } catch (error) {
    failure = { error };
    report.publishFailed(error, sequenceNumberOf(records[0]), 0);
  }
  failure ??= { error: new Error("the batch failed without an error") };
  if (isFenced(failure.error)) throw failure.error;
  return failure;
}

/** False when not even that could be published: then it comes again. */
async function giveUp(records: readonly RawRecord[], error: unknown, context: TakeContext): Promise<boolean> {
  const { shard, checkpoints, batch, now, report } = context;
  await giveUpInSharedCache(records, batch(), checkpoints);
  const sequenceNumber = sequenceNumberOf(records.at(-1));
  // As a record that is read again out of its turn: its app has changed, whatever there is in it.
  if ((await attempt(records, context, { late: true, sharedCache: undefined })) === undefined) {
    report.recordGivenUp(sequenceNumber, error, "invalidation");
    return true;
  }
  try {
    await checkpoints.append(
      [encodeFlush("a stream record could not be handled", now())],
      shard,
      sequenceNumber,
    );
  } catch (failure) {
    if (isFenced(failure)) throw failure;
    batch().report.publishFailed(failure, sequenceNumber, 0);
    return false;
  }
  report.recordGivenUp(sequenceNumber, error, "flush");
  return true;
}

/** The record is not to be relied on. The table may be; otherwise the sweep. */
async function giveUpInSharedCache(
  records: readonly RawRecord[],
  { sharedCache, streamArn, report, remainingMs }: Omit<BatchContext, "log">,
  log: Pick<Checkpoints, "makeRoom">,
): Promise<void> {
  if (!sharedCache) return;
  const gathered = new CacheChanges({ late: true, streamArn });
  for (const raw of records) {
    const record = decodeRecord(raw);
    if (record.kind === "change") gathered.add(record);
  }
  const changes = gathered.all();
  try {
    const update = updateSharedCache(() => sharedCache.giveUp(changes), { sharedCache, log, report });
    await within(remainingMs(), "the shared cache to be updated", update);
  } catch (error) {
    // The message to the nodes must not wait for it.
    report.notRefreshed(
      changes.map(({ appId }) => appId),
      error,
    );
  }
}

export function isFenced(error: unknown): boolean {
  return error instanceof RedisError && error.code === "FENCED";
}

function isOfRedis(error: unknown): boolean {
  return error instanceof RedisError || error instanceof RedisLoginError;
}

function sequenceNumberOf(record: RawRecord | undefined): string {
  return record?.dynamodb?.SequenceNumber ?? "";
}
