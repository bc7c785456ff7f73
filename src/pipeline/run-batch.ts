import type { Normalized, Problem } from "../app/normalize.ts";
import { within } from "../async/within.ts";
import { MAX_VIEWS, encodeChanges, type EncodedMessage, encodeFlush } from "../protocol/encode.ts";
import type { Change } from "../protocol/message.ts";
import { type CacheChange, CacheChanges } from "./cache-changes.ts";
import { coalesce, toChange } from "./change.ts";
import { decodeRecord, type UnreadableRecord } from "./decode.ts";
import { DeadlineError } from "./errors.ts";
import type { MessageLog, PipelineReporter } from "./ports.ts";
import type { SharedCache } from "./shared-cache.ts";
import { updateSharedCache } from "./update-shared-cache.ts";

export interface BatchContext {
  /** Before Redis is used: whatever it takes to log in there. */
  readonly prepare?: (() => Promise<void>) | undefined;
  readonly log: MessageLog;
  readonly report: PipelineReporter;
  /** The app caches in Redis that servers share, for fleets with such: they are updated before anything is published. */
  readonly sharedCache?: SharedCache | undefined;
  /**
   * The records are read again out of their turn, when newer ones may be in force: then they say that an app changed,
   * and nothing of how it is now. Default false.
   */
  readonly late?: boolean | undefined;
  /** What knows of flushes that were sent for such records before. Default: each batch that needs one has its own. */
  readonly flushes?: { isNeeded(): boolean; sent(at: number): void } | undefined;
  /** The stream's ARN, where records do not say it themselves: those of an invocation do. */
  readonly streamArn?: string | undefined;
  readonly table: string;
  readonly region?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds left until the function is stopped. */
  readonly remainingMs: () => number;
}

/** What Lambda's event source mapping reads: it runs the shard again from the lowest sequence number given. */
export interface BatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}

/** Kept back from the function's time-out, so that a failure is still answered and logged. Milliseconds. */
const DEADLINE_RESERVE_MS = 500;

/**
 * One invocation: decode -> normalize -> diff -> coalesce -> publish. A record that cannot be read never stops the
 * others; a publish that fails sends the batch back from its first record, so that no change is lost.
 *
 * @throws TypeError when the event is not a stream event at all.
 */
export async function runBatch(event: unknown, context: BatchContext): Promise<BatchResponse> {
  const invokedAt = context.now();
  const records = recordsOf(event);
  const { first, changes, unreadable, unchanged, cacheChanges } = readAll(records, context);
  const coalesced = coalesce(changes);
  const mustFlush = unreadable.length > 0 && (context.flushes?.isNeeded() ?? true);
  const messages = encodeMessages(coalesced, mustFlush, invokedAt, context);
  try {
    const limitMs = context.remainingMs() - DEADLINE_RESERVE_MS;
    const progress = { awaited: "Redis' login to be read" };
    const late = () => noTimeLeft(progress.awaited);
    await within(limitMs, late, applyAndPublish(cacheChanges, messages, context, progress));
  } catch (error) {
    context.report.publishFailed(error, first, coalesced.length);
    return { batchItemFailures: [{ itemIdentifier: first }] };
  }
  if (mustFlush) context.flushes?.sent(invokedAt);
  const left = context.sharedCache?.leftBy(cacheChanges) ?? [];
  if (left.length > 0) context.report.notRefreshed(left);
  const ageMs = oldestAge(changes, context.now());
  context.report.published({
    records: records.length,
    published: coalesced.length,
    coalesced: changes.length - coalesced.length,
    unchanged,
    unreadable: unreadable.length,
    messages: messages.length,
    ageMs,
  });
  return { batchItemFailures: [] };
}

async function applyAndPublish(
  cacheChanges: readonly CacheChange[],
  messages: readonly EncodedMessage[],
  { prepare, sharedCache, log, report }: BatchContext,
  progress: { awaited: string },
): Promise<void> {
  if (messages.length === 0 && cacheChanges.length === 0) return;
  await prepare?.();
  progress.awaited = "Redis to take the messages";
  if (sharedCache)
    await updateSharedCache(() => sharedCache.apply(cacheChanges), { sharedCache, log, report });
  if (messages.length > 0) await log.append(messages);
}

function noTimeLeft(awaited: string): DeadlineError {
  return new DeadlineError(`expected ${awaited} before the function's time-out, found no time left`);
}

function recordsOf(event: unknown): readonly unknown[] {
  const records = (event as { Records?: unknown } | null | undefined)?.Records;
  if (Array.isArray(records)) return records;
  throw new TypeError(
    `expected a DynamoDB Streams event with a list in Records, found ${records === undefined ? "none" : typeof records}; ` +
      "only the event source mapping of the apps table may invoke this function",
  );
}

/** One record after the other, so that what a record was read into is garbage before the next: images are large. */
function readAll(records: readonly unknown[], { report, late, streamArn, sharedCache }: BatchContext) {
  const changes: Change[] = [];
  const unreadable: UnreadableRecord[] = [];
  const cacheChanges = new CacheChanges({ late, streamArn });
  let first: string | undefined;
  let unchanged = 0;
  for (const raw of records) {
    const record = decodeRecord(raw);
    first = lowestSequenceNumber(first, record.sequenceNumber);
    if (record.kind === "unreadable") {
      report.unreadableRecord(record.sequenceNumber, record.reason);
      unreadable.push(record);
      continue;
    }
    const problems = problemsOf(record.after, sharedCache);
    if (problems.length > 0) report.itemProblems(record.appId, problems);
    const change = toChange(record, late, records.length <= MAX_VIEWS);
    if (change) changes.push(change);
    else unchanged += 1;
    // Every record counts here: one that changes only how a value is spelled can change what soketi makes of it.
    if (sharedCache) cacheChanges.add(record);
  }
  report.batchStarted(first ?? "");
  return { first: first ?? "", changes, unreadable, unchanged, cacheChanges: cacheChanges.all() };
}

function problemsOf(item: Normalized | undefined, sharedCache: SharedCache | undefined): readonly Problem[] {
  if (!item) return [];
  const more = item.app && sharedCache ? sharedCache.problemsOf(item.app) : [];
  return more.length === 0 ? item.problems : [...item.problems, ...more];
}

function encodeMessages(
  changes: readonly Change[],
  mustFlush: boolean,
  at: number,
  { table, region }: BatchContext,
): EncodedMessage[] {
  const messages = encodeChanges(changes, { table, region, at });
  // A change of an app nobody can name: only forgetting everything keeps the promise.
  if (mustFlush) messages.push(encodeFlush("unreadable stream record", at));
  return messages;
}

/**
 * The lower of two sequence numbers, of up to 40 digits. "" when one cannot be read: that fails the whole batch, which is
 * what it must do.
 */
function lowestSequenceNumber(left: string | undefined, right: string): string {
  if (left === "" || !/^\d+$/.test(right)) return "";
  if (left === undefined) return right;
  const a = left.replace(/^0+/, "");
  const b = right.replace(/^0+/, "");
  return a.length < b.length || (a.length === b.length && a <= b) ? left : right;
}

function oldestAge(changes: readonly Change[], now: number): number | undefined {
  const written = changes.map((change) => change.writtenAt).filter((time) => time !== undefined);
  return written.length === 0 ? undefined : Math.max(0, now - Math.min(...written));
}
