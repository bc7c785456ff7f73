import { ConcurrencyLimit } from "../async/concurrency-limit.ts";

/** Pause between two rounds of tries: the first, and the longest. Milliseconds. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 10_000;

/** Keys whose work is tried at the same time: to begin an attempt, a request of the AWS SDK, takes half a millisecond. */
const CONCURRENCY = 20;

/** Something that could not be done yet. */
export interface Work {
  /** Works of one key are done in their order. */
  readonly key: string;
  /** About how much memory it takes. */
  bytes(): number;
  /** Resolves true when it is over, false when it has to be tried again. Never rejects. */
  attempt(): Promise<boolean>;
  /** It is not tried any more: for lack of time or space, or because the node stops. */
  giveUp(why?: "shutdown"): void;
}

export interface RetryQueueOptions {
  /** Milliseconds on a clock that only goes forward. */
  readonly clock: () => number;
  /** How long one is tried. Milliseconds. */
  readonly maxAgeMs: number;
  readonly maxItems: number;
  readonly maxBytes: number;
}

interface QueuedItem {
  readonly work: Work;
  readonly bytes: number;
  readonly until: number;
}

/**
 * Work that is tried again, out of this process' memory, within a budget of time and of space. While the first work of a key
 * fails, those behind it wait. What is tried for the first time has a budget of space of its own, and as large: an attempt
 * takes as long as a queue that does not answer, and what fails of one app is not to be in the way of the others.
 */
export class RetryQueue {
  readonly #options: RetryQueueOptions;
  readonly #queues = new Map<string, QueuedItem[]>();
  readonly #tried: Budget;
  readonly #queued: Budget;
  readonly #firstTries = new Set<Promise<boolean>>();
  readonly #concurrency = new ConcurrencyLimit(CONCURRENCY);
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: RetryQueueOptions) {
    this.#options = options;
    this.#tried = new Budget(options);
    this.#queued = new Budget(options);
  }

  /** Items that wait, or are tried for the first time. */
  get size(): number {
    return this.#tried.items + this.#queued.items;
  }

  /** Tries at once, unless others of its key wait already. Resolves after that first try. */
  async submit(work: Work): Promise<void> {
    const bytes = work.bytes();
    if (!this.#queues.has(work.key)) {
      if (!this.#tried.take(bytes)) {
        work.giveUp();
        return;
      }
      const attempt = work.attempt();
      this.#firstTries.add(attempt);
      const isOver = await attempt;
      this.#firstTries.delete(attempt);
      this.#tried.giveBack(bytes);
      if (isOver) return;
    }
    this.#hold(work, bytes);
  }

  /** Resolves when nothing is being tried for the first time: it is over, or waits. */
  async tried(): Promise<void> {
    while (this.#firstTries.size > 0) await Promise.all(this.#firstTries);
  }

  /** Gives up all that waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isStopped = true;
    for (const queue of this.#queues.values()) {
      for (const item of queue) {
        this.#queued.giveBack(item.bytes);
        item.work.giveUp("shutdown");
      }
    }
    this.#queues.clear();
  }

  #hold(work: Work, bytes: number): void {
    if (this.#isStopped || !this.#queued.take(bytes)) {
      work.giveUp(this.#isStopped ? "shutdown" : undefined);
      return;
    }
    const item = { work, bytes, until: this.#options.clock() + this.#options.maxAgeMs };
    const queue = this.#queues.get(work.key);
    if (queue) queue.push(item);
    else this.#queues.set(work.key, [item]);
    this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.#round(), this.#pauseMs);
  }

  async #round(): Promise<void> {
    const outcomes = await Promise.all(
      [...this.#queues].map(([key, queue]) => this.#concurrency.run(() => this.#work(key, queue))),
    );
    this.#pauseMs = outcomes.some((isOver) => isOver)
      ? FIRST_PAUSE_MS
      : Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    this.#timer = undefined;
    if (this.#queues.size > 0) this.#schedule();
  }

  /** @returns whether any was done. */
  async #work(key: string, queue: QueuedItem[]): Promise<boolean> {
    let isAnyOver = false;
    // The node has stopped meanwhile.
    const isGivenUp = () => this.#queues.get(key) !== queue;
    for (let item = queue[0]; item; item = queue[0]) {
      if (isGivenUp()) return isAnyOver;
      const isOver = await item.work.attempt();
      if (isGivenUp()) return isAnyOver;
      const isLate = this.#options.clock() > item.until;
      if (!isOver && !isLate) return isAnyOver;
      queue.shift();
      this.#queued.giveBack(item.bytes);
      if (isOver) isAnyOver = true;
      else item.work.giveUp();
    }
    this.#queues.delete(key);
    return isAnyOver;
  }
}

/** A budget of space. */
class Budget {
  readonly #limits: Pick<RetryQueueOptions, "maxItems" | "maxBytes">;
  items = 0;
  #bytes = 0;

  constructor(limits: Pick<RetryQueueOptions, "maxItems" | "maxBytes">) {
    this.#limits = limits;
  }

  /** @returns whether there was room for it. */
  take(bytes: number): boolean {
    if (this.items >= this.#limits.maxItems || this.#bytes + bytes > this.#limits.maxBytes) return false;
    this.items += 1;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.items -= 1;
    this.#bytes -= bytes;
  }
}
