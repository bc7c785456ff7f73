import type { MonotonicClock } from "./ports.ts";

interface Validity {
  /** A message says that the read may bring what was there before: its result is worth nothing. */
  void: boolean;
}

interface SharedRead<T> {
  readonly result: Promise<T>;
  readonly validity: Validity;
}

interface Read<T> {
  readonly read: () => Promise<T>;
  readonly keep: (value: T) => T;
  readonly onOutdated: ((value: T) => void) | undefined;
}

/** The reads of one name since one was left alone. */
interface Attempts {
  reads: number;
  /** Which of them the newest outdated answer was of. */
  outdated: number;
  readonly since: number;
}

/** A process that was paused, or reads slowly, has waited long with few reads: that is no storm, and ends by itself. */
const MIN_READS = 100;

/**
 * Reads under way, one at a time for each name, shared by all who ask meanwhile.
 *
 * Invariant: nobody gets the result of a read that was voided. It is made again for all who wait for it: they may have
 * asked before the change, but what they do with the answer comes after. This ends as soon as one read is left alone, or
 * with an error when none of 100 was, in more than `retryBudgetMs`: messages that come faster than a read takes must not hold
 * clients for ever.
 *
 * What a voided read has found is still newer than what was there before it was sent. Whoever is behind all the same, as
 * open connections are, gets it as a step on the way: `onOutdated`, in the order in which the reads were sent.
 */
export class SingleFlight<T> {
  /** How many reads were voided since the start. */
  voided = 0;
  readonly #inFlight = new Map<string, SharedRead<T>>();
  readonly #attempts = new Map<string, Attempts>();
  readonly #clock: MonotonicClock;
  readonly #retryBudgetMs: number;

  /** @param retryBudgetMs milliseconds that voided reads are made again for, at least. */
  constructor(clock: MonotonicClock, retryBudgetMs: number) {
    this.#clock = clock;
    this.#retryBudgetMs = retryBudgetMs;
  }

  has(name: string): boolean {
    return this.#inFlight.has(name);
  }

  /**
   * @param read may reject: all who wait get the error, and the next to ask reads again.
   * @param keep called with the result just before anybody gets it, unless the read was voided. What it returns is what
   * they get.
   */
  share(
    name: string,
    read: () => Promise<T>,
    keep: (value: T) => T,
    onOutdated?: (value: T) => void,
  ): Promise<T> {
    const inFlight = this.#inFlight.get(name);
    if (inFlight) return inFlight.result;
    const validity: Validity = { void: false };
    const result = this.#send(name, validity, { read, keep, onOutdated });
    this.#inFlight.set(name, { result, validity });
    return result;
  }

  async #send(name: string, validity: Validity, { read, keep, onOutdated }: Read<T>): Promise<T> {
    const attempts = this.#attempts.get(name) ?? { reads: 0, outdated: 0, since: this.#clock() };
    this.#attempts.set(name, attempts);
    const number = (attempts.reads += 1);
    let again = false;
    try {
      const value = await read();
      if (!validity.void) return keep(value);
      if (this.#attempts.get(name) === attempts && number > attempts.outdated) {
        attempts.outdated = number;
        onOutdated?.(value);
      }
      this.#checkRetryBudget(attempts);
      again = true;
    } finally {
      // A voided one has left its place already, perhaps to another.
      if (!validity.void) this.#inFlight.delete(name);
      if (!again) this.#attempts.delete(name);
    }
    return this.share(name, read, keep, onOutdated);
  }

  #checkRetryBudget({ reads, since }: Attempts): void {
    const waitedMs = this.#clock() - since;
    if (reads < MIN_READS || waitedMs <= this.#retryBudgetMs) return;
    throw new Error(`changed during each of ${reads.toFixed()} reads within ${waitedMs.toFixed()} ms`);
  }

  void(name: string): void {
    const inFlight = this.#inFlight.get(name);
    if (!inFlight) return;
    inFlight.validity.void = true;
    this.#inFlight.delete(name);
    this.voided += 1;
  }

  voidAll(): void {
    for (const name of [...this.#inFlight.keys()]) this.void(name);
  }
}
