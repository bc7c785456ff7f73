import { NoStreamError, StreamGoneError, ViewTypeError } from "../aws/errors.ts";
import type { TableStream } from "../aws/table-stream.ts";
import { encodeFlush } from "../protocol/encode.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { pauseUnless, isOver } from "./pause.ts";
import { readShard, type ShardContext } from "./read-shard.ts";
import { planShards, type ShardPlan } from "./shards.ts";
import type { RelayState } from "./state.ts";

export interface TermContext extends Omit<ShardContext, "arn" | "shard" | "take"> {
  readonly checkpoints: Checkpoints;
  readonly stream: TableStream;
  readonly state: RelayState;
  /** Puts one shard's records in force. */
  readonly take: (
    shard: string,
    records: Parameters<ShardContext["take"]>[0],
    signal: AbortSignal,
  ) => Promise<void>;
  /** The term has begun: its beginning is written, and the stream is read from now on. */
  readonly begun: () => void;
  /** Between two looks at the list of shards and at the table's stream. Milliseconds. */
  readonly listMs: number;
  readonly report: ShardContext["report"] & {
    streamBegun(arn: string, reason: string): void;
    /** The stream could not be listed or found just now; what is read goes on. */
    listingFailed(error: unknown): void;
  };
}

/** After a shard's end its children are looked for more often, so many times. Milliseconds. */
const CHILDREN_INTERVAL_MS = 500;
const CHILDREN_ATTEMPTS = 6;

/** How often it is noted that everything was read. Milliseconds. */
const CURRENT_INTERVAL_MS = 60_000;

/**
 * Positions count for so long after that: the stream keeps a day, and what was trimmed since cannot be told from what never
 * was. Milliseconds.
 */
const POSITIONS_LAST_MS = 20 * 3_600_000;

/**
 * Reads all of the table's stream from where its checkpoints are, until the signal is aborted.
 *
 * Without a position, with those of another stream, and with too old ones everything is flushed first, and the stream is read
 * from its oldest record on.
 *
 * @throws RedisError with the code FENCED once another relay has taken over; what Redis and DynamoDB say otherwise.
 */
export async function runTerm(context: TermContext): Promise<void> {
  const { signal, stream } = context;
  const arn = await stream.find(signal);
  await beginIfNeeded(arn, context);
  context.begun();
  const term = new AbortController();
  const ending = AbortSignal.any([signal, term.signal]);
  const readers = new Readers(arn, { ...context, signal: ending });
  try {
    await follow(arn, readers, { ...context, signal: ending });
  } finally {
    term.abort();
    await readers.ended();
  }
}

async function beginIfNeeded(arn: string, { checkpoints, state, report, now }: TermContext): Promise<void> {
  state.stream = arn;
  const reason = reasonToBegin(arn, checkpoints, now());
  if (reason === undefined) return;
  await checkpoints.begin(arn, encodeFlush(reason, now()), now());
  report.streamBegun(arn, reason);
}

function reasonToBegin(arn: string, checkpoints: Checkpoints, now: number): string | undefined {
  if (checkpoints.stream === undefined) return "the relay reads this stream for the first time";
  if (checkpoints.stream !== arn) return "the table has another stream than before";
  if (now - checkpoints.currentAt > POSITIONS_LAST_MS) return "the stream was not read for too long";
  return undefined;
}

async function follow(arn: string, readers: Readers, context: TermContext): Promise<void> {
  const { stream, signal, report, state } = context;
  let looks = 0;
  while (!isOver(signal)) {
    try {
      const listed = await stream.shards(arn, signal);
      // What was not read for so long may have come and gone unseen. The next term begins it anew.
      if (reasonToBegin(arn, context.checkpoints, context.now()) !== undefined) return;
      // One plan for both: a reader that ends meanwhile must not let its children pass before its loss is known.
      const plan = planShards(listed, context.checkpoints.shards, readers.reading);
      await takeLeave(plan, context);
      readers.begin(plan.readable);
      await noteIfCurrent(context);
      const now = await stream.find(signal);
      state.wellAgain("table");
      // The next term begins it.
      if (now !== arn) return;
    } catch (error) {
      if (isOver(signal)) return;
      if (!isPassing(error)) throw error;
      state.troubleWith("table", error);
      report.listingFailed(error);
    }
    looks = readers.takeEnds() > 0 ? CHILDREN_ATTEMPTS : Math.max(0, looks - 1);
    await readers.endOrPause(looks > 0 ? CHILDREN_INTERVAL_MS : context.listMs);
  }
}

/** Only when nothing is behind: what was not read for too long must not count as read. */
async function noteIfCurrent({ checkpoints, state, now }: TermContext): Promise<void> {
  const { behindMs } = state;
  if (behindMs === undefined || behindMs > CURRENT_INTERVAL_MS) return;
  if (now() - checkpoints.currentAt >= CURRENT_INTERVAL_MS) await checkpoints.noteCurrent(now());
}

/** What the operator changes on the table while the relay runs, and what AWS does, is waited for. */
function isPassing(error: unknown): boolean {
  if (error instanceof NoStreamError || error instanceof ViewTypeError || error instanceof StreamGoneError)
    return true;
  return error instanceof Error && "code" in error && /^E_(STREAM|AWS)_/.test(String(error.code));
}

/** Shards that are gone: of those that were not read to the end, everybody has to forget what they knew. */
async function takeLeave(
  { lost, forgotten }: ShardPlan,
  { checkpoints, report, now }: TermContext,
): Promise<void> {
  await checkpoints.forget(forgotten);
  if (lost.length === 0) return;
  const reason = `${lost.join(", ")} is no longer in the stream`;
  await checkpoints.forgetLost(lost, encodeFlush(`stream records are lost: ${reason}`, now()));
  for (const shard of lost) report.recordsLost(shard, reason);
}

/** The shards that are being read, side by side. */
class Readers {
  readonly #arn: string;
  readonly #context: TermContext;
  readonly #running = new Map<string, Promise<void>>();
  #ends = 0;
  #failure: { error: unknown } | undefined;
  #wake = (): void => undefined;

  constructor(arn: string, context: TermContext) {
    this.#arn = arn;
    this.#context = context;
  }

  get reading(): ReadonlySet<string> {
    return new Set(this.#running.keys());
  }

  begin(shards: readonly { readonly shard: string }[]): void {
    for (const { shard } of shards) {
      const { state, take, signal } = this.#context;
      const reader = readShard({
        ...this.#context,
        arn: this.#arn,
        shard,
        take: (records) => take(shard, records, signal),
      });
      const over = reader
        .then(() => (this.#ends += 1))
        .catch((error: unknown) => (this.#failure ??= { error }))
        .then(() => {
          state.shardEnded(shard);
          this.#running.delete(shard);
          this.#wake();
        });
      this.#running.set(shard, over);
    }
  }

  /** How many have ended since this was asked. */
  takeEnds(): number {
    const ends = this.#ends;
    this.#ends = 0;
    return ends;
  }

  /** Resolves after the pause, or sooner when a shard has ended. @throws what a reader has failed with. */
  async endOrPause(ms: number): Promise<void> {
    const { signal } = this.#context;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    signal.addEventListener("abort", this.#wake);
    if (this.#ends === 0 && this.#failure === undefined && !isOver(signal))
      await pauseUnless(woken.signal, ms);
    signal.removeEventListener("abort", this.#wake);
    if (this.#failure) throw this.#failure.error;
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running.values());
    // One that failed while the others were ended: whoever runs the term has to know.
    if (this.#failure) throw this.#failure.error;
  }
}
