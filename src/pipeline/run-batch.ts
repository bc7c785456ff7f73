import { encodeChanges, encodeFlush, type Change } from "../protocol/message.ts";
import { coalesce, toChange } from "./change.ts";
import { decodeRecord, type StreamChange, type UnreadableRecord } from "./decode.ts";
import type { MessageLog, PipelineReporter } from "./ports.ts";
import { type SharedCache, toCachedApps } from "./shared-cache.ts";

export interface BatchContext {
  /** Before Redis is used: whatever it takes to log in there. */
  readonly prepare?: () => Promise<void>;
  readonly log: MessageLog;
  readonly report: PipelineReporter;
  /** soketi's own app cache in Redis, for fleets that use it: it is brought in line before anything is published. */
  readonly sharedCache?: SharedCache | undefined;
  /**
   * The records are read again out of their turn, when newer ones may be in force: then they say that an app changed,
   * and nothing of how it is now. Default false.
   */
  readonly late?: boolean;
  readonly table: string;
  readonly region?: string;
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
  const records = recordsOf(event).map(decodeRecord);
  const first = lowestSequenceNumber(records);
  context.report.batchStarted(first);
  const { changes, unreadable, unchanged } = sortOut(records, context);
  const coalesced = coalesce(changes);
  const messages = encodeMessages(coalesced, unreadable, invokedAt, context);
  try {
    await beforeDeadline(inForce(records, messages, context), context.remainingMs() - DEADLINE_RESERVE_MS);
  } catch (error) {
    context.report.publishFailed(error, first, coalesced.length);
    return { batchItemFailures: [{ itemIdentifier: first }] };
  }
  const ageMs = oldestAge(changes, context.now());
  context.report.published({
    records: records.length,
    published: coalesced.length,
    coalesced: changes.length - coalesced.length,
    unchanged,
    unreadable: unreadable.length,
    messages: messages.length,
    ...(ageMs === undefined ? {} : { ageMs }),
  });
  return { batchItemFailures: [] };
}

async function inForce(
  records: readonly (StreamChange | UnreadableRecord)[],
  messages: readonly string[],
  { prepare, sharedCache, log, late }: BatchContext,
): Promise<void> {
  if (messages.length === 0 && !sharedCache) return;
  await prepare?.();
  // Every record counts here: one that changes only how a value is spelled can change what soketi makes of it.
  if (sharedCache) await sharedCache.apply(toCachedApps(records.filter(isChange), late));
  if (messages.length > 0) await log.append(messages);
}

function isChange(record: StreamChange | UnreadableRecord): record is StreamChange {
  return record.kind === "change";
}

function recordsOf(event: unknown): readonly unknown[] {
  const records = (event as { Records?: unknown } | null | undefined)?.Records;
  if (Array.isArray(records)) return records;
  throw new TypeError(
    `expected a DynamoDB Streams event with a list in Records, found ${records === undefined ? "none" : typeof records}; ` +
      "this function is meant to be invoked by the event source mapping of the apps table",
  );
}

function sortOut(records: readonly (StreamChange | UnreadableRecord)[], { report, late }: BatchContext) {
  const changes: Change[] = [];
  const unreadable: UnreadableRecord[] = [];
  let unchanged = 0;
  for (const record of records) {
    if (record.kind === "unreadable") {
      report.unreadableRecord(record.sequenceNumber, record.reason);
      unreadable.push(record);
      continue;
    }
    if (record.after && record.after.problems.length > 0)
      report.itemProblems(record.appId, record.after.problems);
    const change = toChange(record, late);
    if (change) changes.push(change);
    else unchanged += 1;
  }
  return { changes, unreadable, unchanged };
}

function encodeMessages(
  changes: readonly Change[],
  unreadable: readonly UnreadableRecord[],
  at: number,
  { table, region }: BatchContext,
): string[] {
  const messages = encodeChanges(changes, { table, ...(region === undefined ? {} : { region }), at });
  // A change of an app nobody can name: only forgetting everything keeps the promise.
  if (unreadable.length > 0) messages.push(encodeFlush("unreadable stream record", at));
  return messages;
}

/** "" fails the whole batch, which is what it must do when a number cannot be read. */
function lowestSequenceNumber(records: readonly { readonly sequenceNumber: string }[]): string {
  let lowest: string | undefined;
  for (const { sequenceNumber } of records) {
    if (!/^\d+$/.test(sequenceNumber)) return "";
    if (lowest === undefined || isLower(sequenceNumber, lowest)) lowest = sequenceNumber;
  }
  return lowest ?? "";
}

/** Sequence numbers have up to 40 digits: too many for a number, and not all as many. */
function isLower(left: string, right: string): boolean {
  const a = left.replace(/^0+/, "");
  const b = right.replace(/^0+/, "");
  return a.length === b.length ? a < b : a.length < b.length;
}

function oldestAge(changes: readonly Change[], now: number): number | undefined {
  const written = changes.map((change) => change.writtenAt).filter((time) => time !== undefined);
  return written.length === 0 ? undefined : Math.max(0, now - Math.min(...written));
}

async function beforeDeadline(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        reject(
          new Error("expected Redis to take the messages before the function's time-out, found no time left"),
        );
      },
      Math.max(0, limitMs),
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
