import type { RecentFlush } from "../protocol/node.ts";
import type { FlushReason } from "./flush-reasons.ts";
import type { MonotonicClock } from "./ports.ts";

/** How many are remembered: a node that flushes more often is seen in its metrics. */
const MAX_FLUSHES = 16;

/** Why this node has put all its apps in doubt, and when: what tools are told of it. */
export class RecentFlushes {
  readonly #clock: MonotonicClock;
  readonly #list: { readonly reason: FlushReason; readonly at: number }[] = [];

  constructor(clock: MonotonicClock) {
    this.#clock = clock;
  }

  add(reason: FlushReason): void {
    this.#list.push({ reason, at: this.#clock() });
    if (this.#list.length > MAX_FLUSHES) this.#list.shift();
  }

  /** Oldest first. */
  list(): RecentFlush[] {
    const now = this.#clock();
    return this.#list.map(({ reason, at }) => [reason, Math.round(now - at)]);
  }
}
