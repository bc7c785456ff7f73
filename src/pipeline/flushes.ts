/** How far the clock of whoever says when something was lost may be from ours. Milliseconds. */
const CLOCK_SKEW_MS = 5_000;

/**
 * The flushes of one process. One makes every node read everything again, which is enough for all that was lost before
 * it; each more would make them do it again for nothing.
 */
export class Flushes {
  #sentAt = Number.NEGATIVE_INFINITY;

  /** @param at when it was begun: nodes read what was written before. Milliseconds since 1970. */
  sent(at: number): void {
    this.#sentAt = Math.max(this.#sentAt, at);
  }

  /**
   * Whether there was one after what is said to be lost.
   *
   * @param invokedAt when the present invocation began: what it was given was lost before.
   * @param lostAt when it was given up, at the latest, by another clock. Unknown: as `invokedAt`.
   */
  cover(invokedAt: number, lostAt: number = invokedAt): boolean {
    return this.#sentAt >= Math.min(invokedAt, lostAt + CLOCK_SKEW_MS);
  }
}
