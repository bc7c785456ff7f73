import { setTimeout as pause } from "node:timers/promises";

/** A record as Lambda hands it on. */
export interface DeliveredRecord {
  readonly dynamodb: { readonly SequenceNumber: string };
}

/** Records of one shard that were given up, and why: what Lambda says to the failure queue. */
export interface GivenUp<R> {
  readonly condition: "RetryAttemptsExhausted" | "RecordAgeExceeded";
  readonly records: readonly R[];
  readonly attempts: number;
}

export interface DeliveryOptions<R> {
  /** Rejects when the function threw, was killed or timed out. */
  readonly invoke: (records: readonly R[]) => Promise<unknown>;
  /** -1: for as long as the records are young enough. */
  readonly maximumRetryAttempts: number;
  /** Milliseconds; -1: for ever. */
  readonly maximumRecordAgeMs: number;
  readonly bisectBatchOnFunctionError: boolean;
  /** Longest pause between two attempts. Lambda's own grows to minutes. Milliseconds. */
  readonly maxBackoffMs: number;
  /** How old a record is. Milliseconds. */
  readonly ageMs: (record: R) => number;
  /** The function has taken them. */
  readonly onDone: (records: readonly R[]) => void;
  readonly onGivenUp: (range: GivenUp<R>) => void;
  readonly stopped: () => boolean;
}

interface Range<R> {
  readonly records: readonly R[];
  readonly attempts: number;
}

/**
 * What Lambda's event source mapping does with one batch of a stream until it is done or given up, `ReportBatchItemFailures`
 * included: a failed item is a checkpoint, what is before it is done and the rest comes again; a batch that fails as a
 * whole is cut in two, which does not count as an attempt.
 * (docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html)
 */
export async function deliver<R extends DeliveredRecord>(
  batch: readonly R[],
  options: DeliveryOptions<R>,
): Promise<void> {
  let ranges: Range<R>[] = [{ records: batch, attempts: 0 }];
  let failures = 0;
  while (!options.stopped()) {
    const [next, ...others] = ranges;
    if (!next) return;
    const range = withoutOld(next, options);
    if (range.records.length === 0) {
      ranges = others;
      continue;
    }
    const rest = await attempt(range, options);
    for (const { records, attempts } of rest.filter((one) => isExhausted(one, options)))
      options.onGivenUp({ condition: "RetryAttemptsExhausted", records, attempts });
    ranges = [...rest.filter((one) => !isExhausted(one, options)), ...others];
    failures = rest.length === 0 ? 0 : failures + 1;
    if (rest.length > 0) await pause(Math.min(options.maxBackoffMs, 20 * 2 ** failures));
  }
}

function isExhausted<R>({ attempts }: Range<R>, { maximumRetryAttempts }: DeliveryOptions<R>): boolean {
  return maximumRetryAttempts >= 0 && attempts > maximumRetryAttempts;
}

/** Records that are too old are given up without another attempt. */
function withoutOld<R extends DeliveredRecord>(range: Range<R>, options: DeliveryOptions<R>): Range<R> {
  const { maximumRecordAgeMs, ageMs } = options;
  if (maximumRecordAgeMs < 0) return range;
  const old = range.records.filter((record) => ageMs(record) > maximumRecordAgeMs);
  if (old.length > 0)
    options.onGivenUp({ condition: "RecordAgeExceeded", records: old, attempts: range.attempts });
  return { ...range, records: range.records.slice(old.length) };
}

/** @returns what must come again, in order. */
async function attempt<R extends DeliveredRecord>(
  { records, attempts }: Range<R>,
  options: DeliveryOptions<R>,
): Promise<Range<R>[]> {
  let response: unknown;
  try {
    response = await options.invoke(records);
  } catch {
    // The function's own log says why; the mapping only knows that it failed.
    return halves({ records, attempts }, options);
  }
  const from = checkpoint(records, response);
  options.onDone(records.slice(0, from));
  if (from === records.length) return [];
  if (from > 0) return [{ records: records.slice(from), attempts: attempts + 1 }];
  return halves({ records, attempts }, options);
}

function halves<R>(
  { records, attempts }: Range<R>,
  { bisectBatchOnFunctionError }: DeliveryOptions<R>,
): Range<R>[] {
  if (!bisectBatchOnFunctionError || records.length === 1) return [{ records, attempts: attempts + 1 }];
  const middle = Math.ceil(records.length / 2);
  return [
    { records: records.slice(0, middle), attempts },
    { records: records.slice(middle), attempts },
  ];
}

/**
 * How many records are done. All of them without failures; none when an identifier is missing, empty or unknown, or the
 * answer is not of the form that Lambda reads.
 */
function checkpoint(records: readonly DeliveredRecord[], response: unknown): number {
  if (response === null || response === undefined) return records.length;
  const failures = (response as { batchItemFailures?: unknown }).batchItemFailures;
  if (failures === null || failures === undefined) return records.length;
  if (!Array.isArray(failures)) return 0;
  const places = (failures as readonly unknown[]).map((failure) => {
    const { itemIdentifier } = (failure ?? {}) as { itemIdentifier?: unknown };
    return records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === itemIdentifier);
  });
  return places.includes(-1) ? 0 : Math.min(records.length, ...places);
}
