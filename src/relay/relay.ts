import { backoff } from "../async/backoff.ts";
import type { TableStream } from "../aws/table-stream.ts";
import type { BusNames } from "../protocol/names.ts";
import type { RedisLog } from "../redis/log.ts";
import type { RelayLease } from "../redis/relay-lease.ts";
import { Checkpoints } from "./checkpoints.ts";
import { pauseUnless, isOver } from "./pause.ts";
import type { RelayState } from "./state.ts";
import { isFenced } from "./take-records.ts";
import { runTerm, type TermContext } from "./term.ts";

export interface RelayOptions {
  readonly lease: RelayLease;
  readonly log: RedisLog;
  readonly names: BusNames;
  readonly stream: TableStream;
  readonly state: RelayState;
  /** How long the lease lasts without being renewed. Milliseconds. */
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly listMs: number;
  /** Before Redis is used: whatever it takes to log in there. */
  readonly prepare: () => Promise<void>;
  readonly take: (shard: string, records: Parameters<TermContext["take"]>[1], term: Term) => Promise<void>;
  /** What goes on beside the reading, while this relay is active, and needs no lease to end. Never rejects. */
  readonly beside: (term: Term) => Promise<void>;
  readonly report: TermContext["report"] & {
    /** This relay is active from now on. */
    termBegan(token: string): void;
    termEnded(token: string, reason: string): void;
    /** Redis or DynamoDB do not answer: it is asked again. */
    waiting(error: unknown): void;
  };
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** While one relay is active. */
export interface Term {
  readonly checkpoints: Checkpoints;
  /** Aborted at its end, whatever ends it. */
  readonly signal: AbortSignal;
}

/** Between two tries to become active: somebody who waits takes over that soon. Milliseconds. */
const STANDBY_INTERVAL_MS = 250;

/** The same at most, after terms that have failed at their beginning. Milliseconds. */
const MAX_PAUSE_MS = 5_000;

/** The lease is renewed so often in its time. */
const RENEWALS = 4;

/** A relay that gets no answer of the stream for so long lets another one try. Milliseconds. */
const STALLED_MS = 2_500;

/** How often a relay that waits looks whether it could read the stream. Milliseconds. */
const CHECK_INTERVAL_MS = 10_000;

/**
 * One relay of any number: waits until it holds the lease, reads the stream while it does, and waits again. Rejects only with
 * what no later try can change.
 */
export class Relay {
  readonly #options: RelayOptions;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Terms that have failed one after the other, none of them having begun to read. */
  #failedTerms = 0;
  /** What still goes on beside terms that are over. */
  readonly #besides = new Set<Promise<void>>();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** @param signal ends it between two batches, and hands the lease over at once. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#compete(signal);
    await Promise.all(this.#besides);
  }

  async #compete(signal: AbortSignal): Promise<void> {
    const { state, report, lease, prepare } = this.#options;
    while (!isOver(signal)) {
      let token: string | undefined;
      try {
        await this.#lookAtStream(signal);
        await prepare();
        token = await lease.acquire();
        state.leaseAnswered();
        // Another one is active: what ended a term of ours is in nobody's way.
        if (token === undefined) this.#termIsWell();
      } catch (error) {
        if (isOver(signal)) return;
        report.waiting(error);
      }
      if (token !== undefined) await this.#beActive(token, signal);
      state.stoodBy();
      await pauseUnless(signal, backoff(this.#failedTerms + 1, STANDBY_INTERVAL_MS, MAX_PAUSE_MS));
    }
  }

  /** Only who can read the stream competes for the lease: one that cannot would keep it from those who can. */
  async #lookAtStream(signal: AbortSignal): Promise<void> {
    const { clock, stream, state } = this.#options;
    if (clock() - this.#lookedAt < CHECK_INTERVAL_MS) return;
    try {
      state.stream = await stream.find(signal);
      await stream.shards(state.stream, signal);
    } catch (error) {
      state.troubleWith("stream", error);
      throw error;
    }
    this.#lookedAt = clock();
    state.answered();
  }

  async #beActive(token: string, signal: AbortSignal): Promise<void> {
    const { lease, log, names, state, report } = this.#options;
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    let reason = "it was stopped";
    const end = (why: string) => {
      if (!until.aborted) reason = why;
      over.abort();
    };
    state.began(token);
    report.termBegan(token);
    const done = new AbortController();
    const renewing = this.#keepLease(token, done.signal, end);
    try {
      const checkpoints = new Checkpoints({ lease, log, names, token, positions: await lease.positions() });
      await this.#work({ checkpoints, signal: until });
    } catch (error) {
      if (!isFenced(error) && !until.aborted) {
        this.#failedTerms += 1;
        // Whoever is asked for its health would be a healthy standby, and nobody reads the stream.
        state.troubleWith("term", error);
      }
      end(isFenced(error) ? "another relay has taken over" : wordsOf(error));
    } finally {
      over.abort();
      done.abort();
      await renewing;
    }
    // A successor need not wait until it has run out; where Redis is away, it does run out.
    await lease.release(token).catch((error: unknown) => report.waiting(error));
    report.termEnded(token, reason);
  }

  async #work(term: Term): Promise<void> {
    const { beside, take } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([term.signal, ended.signal]);
    const besides = beside({ ...term, signal }).finally(() => this.#besides.delete(besides));
    this.#besides.add(besides);
    try {
      // One after the other: a stream that was switched off and on is another one.
      while (!isOver(signal)) {
        await runTerm({
          ...this.#options,
          ...term,
          begun: () => this.#termIsWell(),
          take: (shard, records, until) => take(shard, records, { ...term, signal: until }),
        });
      }
    } finally {
      // A sweep waits for DynamoDB perhaps, because of which the term is over: its lease would be kept from others meanwhile.
      ended.abort();
    }
  }

  #termIsWell(): void {
    this.#failedTerms = 0;
    this.#options.state.wellAgain("term");
  }

  /** Renews the lease until it is told to stop, or the term is over. */
  async #keepLease(token: string, done: AbortSignal, end: (why: string) => void): Promise<void> {
    const { lease, state, report, leaseMs, clock } = this.#options;
    let heldUntil = clock() + leaseMs;
    while (!isOver(done)) {
      await pauseUnless(done, leaseMs / RENEWALS);
      if (isOver(done)) return;
      const askedAt = clock();
      try {
        if (!(await lease.renew(token))) end("the lease was lost: it expired, or another relay has it");
        else heldUntil = askedAt + leaseMs;
        state.leaseAnswered();
      } catch (error) {
        report.waiting(error);
        state.troubleWith("redis", error);
      }
      // Redis has it the same way: whoever waits may have it by now.
      if (clock() > heldUntil) end("Redis did not renew the lease in time");
      if (state.unansweredMs > STALLED_MS) {
        this.#lookedAt = Number.NEGATIVE_INFINITY;
        end("DynamoDB does not answer: another relay may reach it");
      }
    }
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
