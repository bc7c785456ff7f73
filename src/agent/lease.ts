import type { MonotonicClock } from "./ports.ts";

/** What a lookup must know of the lease. */
export type LeaseView = Pick<Lease, "until" | "provenAt">;

/**
 * How long cached apps may be served without asking: until `leaseMs` after the sending of the last heartbeat that showed
 * nothing to be missed.
 *
 * Invariant: it is counted from when a heartbeat was *sent*, on a clock that goes on while the process is paused. A node
 * that wakes up has no lease, and an answer that was long under way renews little or nothing.
 */
export class Lease {
  readonly #clock: MonotonicClock;
  readonly #leaseMs: number;
  #provenAt = Number.NEGATIVE_INFINITY;

  /** @param options.leaseMs how long one heartbeat is good for. Milliseconds. */
  constructor({ clock, leaseMs }: { readonly clock: MonotonicClock; readonly leaseMs: number }) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** On the monotonic clock. Read at each lookup; before the first heartbeat it is long over. */
  get until(): number {
    return this.#provenAt + this.#leaseMs;
  }

  /** When that heartbeat was sent: until then, nothing was missed. */
  get provenAt(): number {
    return this.#provenAt;
  }

  get isHeld(): boolean {
    return this.#clock() < this.until;
  }

  get msLeft(): number {
    return Math.max(0, this.until - this.#clock());
  }

  /** @param askedAt when the heartbeat was sent. A later one that was answered first is not taken back. */
  renew(askedAt: number): void {
    this.#provenAt = Math.max(this.#provenAt, askedAt);
  }
}
