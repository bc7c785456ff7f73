import type { MonotonicClock } from "./ports.ts";

/** Lets so many things happen in a second, evenly: what was not used is saved for a moment, and no longer. */
export class TokenBucket {
  readonly #clock: MonotonicClock;
  readonly #perSecond: () => number;
  readonly #savedMs: number;
  #tokens = 1;
  #filledAt: number;

  /**
   * @param options.perSecond read anew each time: it may change.
   * @param options.savedMs what comes up in so many milliseconds is saved, and at least one.
   */
  constructor(options: {
    readonly clock: MonotonicClock;
    readonly perSecond: () => number;
    readonly savedMs: number;
  }) {
    this.#clock = options.clock;
    this.#perSecond = options.perSecond;
    this.#savedMs = options.savedMs;
    this.#filledAt = options.clock();
  }

  /** @returns how many may happen now, at most `wanted`. They count as done. */
  take(wanted: number): number {
    const now = this.#clock();
    const perMs = this.#perSecond() / 1000;
    const most = Math.max(1, perMs * this.#savedMs);
    this.#tokens = Math.min(most, this.#tokens + (now - this.#filledAt) * perMs);
    this.#filledAt = now;
    const taken = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= taken;
    return taken;
  }
}
