import type { MonotonicClock } from "./ports.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface ReadPaceOptions {
  readonly clock: MonotonicClock;
  /** Most reads a second of this node, and of all nodes together. */
  readonly perSecond: number;
  readonly fleetPerSecond: number;
}

/** So many milliseconds' worth of reads may begin at once. */
const SAVED_MS = 100;

/** How long a larger fleet is remembered: a registry that was just emptied says that this node is alone. Milliseconds. */
const FLEET_MEMORY_MS = 60_000;

/** The outcomes of so many milliseconds are judged together: many reads that fail at once are one sign, not many. */
const WINDOW_MS = 1_000;

/** Of the full pace: the slowest, and what is added to it after each window that went well. */
const MIN_SHARE = 0.1;
const STEP = 0.1;

/**
 * How fast apps that are in doubt are read again. A fleet shares one rate, so that a flush, which all nodes see at once,
 * costs the table the same with ten nodes and with a thousand. It goes down to a tenth while most reads fail or are slow
 * (halved after each second), and up again in steps (additive increase, multiplicative decrease).
 */
export class ReadPace {
  readonly #clock: MonotonicClock;
  readonly #options: ReadPaceOptions;
  readonly #bucket: TokenBucket;
  #nodes = 1;
  #nodesSeenAt = Number.NEGATIVE_INFINITY;
  #factor = 1;
  #window = { startedAt: Number.NEGATIVE_INFINITY, good: 0, bad: 0 };
  #slowedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReadPaceOptions) {
    this.#clock = options.clock;
    this.#options = options;
    this.#bucket = new TokenBucket({
      clock: options.clock,
      perSecond: () => this.perSecond,
      savedMs: SAVED_MS,
    });
  }

  /** Reads a second that this node may make now. */
  get perSecond(): number {
    return this.fullPerSecond * this.#factor;
  }

  /** As `perSecond`, while the table is well. */
  get fullPerSecond(): number {
    const { perSecond, fleetPerSecond } = this.#options;
    return Math.min(perSecond, fleetPerSecond / this.#nodes);
  }

  /** So many nodes are registered. */
  fleetHas(nodes: number): void {
    const now = this.#clock();
    if (nodes < this.#nodes && now - this.#nodesSeenAt <= FLEET_MEMORY_MS) return;
    this.#nodes = Math.max(1, nodes);
    this.#nodesSeenAt = now;
  }

  /** @returns how many reads may begin now, at most `wanted`. They count as begun. */
  take(wanted: number): number {
    return this.#bucket.take(wanted);
  }

  /** @param isGood the table answered, and was not slow to. */
  finished(isGood: boolean): void {
    const now = this.#clock();
    if (now - this.#window.startedAt >= WINDOW_MS) this.#judge(now);
    if (isGood) this.#window.good += 1;
    else this.#window.bad += 1;
  }

  /** DynamoDB said that this is too fast, of whichever read. */
  throttled(): void {
    const now = this.#clock();
    if (now - this.#slowedAt < WINDOW_MS) return;
    this.#slowedAt = now;
    this.#slowDown();
    this.#window = { startedAt: now, good: 0, bad: 0 };
  }

  #slowDown(): void {
    this.#factor = Math.max(MIN_SHARE, this.#factor / 2);
  }

  #judge(now: number): void {
    const { startedAt, good, bad } = this.#window;
    if (bad > good) this.#slowDown();
    else {
      const windows = Math.min(1 / STEP, Math.floor((now - startedAt) / WINDOW_MS));
      this.#factor = Math.min(1, this.#factor + STEP * windows);
    }
    this.#window = { startedAt: now, good: 0, bad: 0 };
  }
}
