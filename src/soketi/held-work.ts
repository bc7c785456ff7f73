/** Pause between two rounds of tries: the first, and the longest. Milliseconds. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 10_000;

/** Something that could not be done yet. */
export interface Work {
  /** Works of one key are done in their order. */
  readonly key: string;
  /** About how much memory it takes. Asked for when it has to be held. */
  bytes(): number;
  /** Resolves true when it is over, false when it has to be tried again. Never rejects. */
  attempt(): Promise<boolean>;
  /** It is not tried any more: for lack of time or space, or because the node stops. */
  giveUp(why?: "shutdown"): void;
}

export interface HeldWorkOptions {
  /** Milliseconds on a clock that only goes forward. */
  readonly clock: () => number;
  /** How long one is tried. Milliseconds. */
  readonly maxAgeMs: number;
  readonly maxWorks: number;
  readonly maxBytes: number;
}

interface Held {
  readonly work: Work;
  readonly bytes: number;
  readonly until: number;
}

/**
 * Work that is tried again, out of this process' memory, within a budget of time and of space. While the first work of a key
 * fails, those behind it wait.
 */
export class HeldWork {
  readonly #options: HeldWorkOptions;
  readonly #queues = new Map<string, Held[]>();
  #works = 0;
  #bytes = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HeldWorkOptions) {
    this.#options = options;
  }

  /** Works held. */
  get size(): number {
    return this.#works;
  }

  /** Tries at once, unless others of its key wait already. Resolves after that first try. */
  async submit(work: Work): Promise<void> {
    if (!this.#queues.has(work.key) && (await work.attempt())) return;
    this.#hold(work);
  }

  /** All that is held is given up. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const queue of this.#queues.values()) for (const held of queue) held.work.giveUp("shutdown");
    this.#queues.clear();
    this.#works = 0;
    this.#bytes = 0;
  }

  #hold(work: Work): void {
    const { clock, maxAgeMs, maxWorks, maxBytes } = this.#options;
    const bytes = work.bytes();
    if (this.#works >= maxWorks || this.#bytes + bytes > maxBytes) {
      work.giveUp();
      return;
    }
    const queue = this.#queues.get(work.key);
    const held = { work, bytes, until: clock() + maxAgeMs };
    if (queue) queue.push(held);
    else this.#queues.set(work.key, [held]);
    this.#works += 1;
    this.#bytes += bytes;
    this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.#round(), this.#pauseMs);
  }

  async #round(): Promise<void> {
    const outcomes = await Promise.all([...this.#queues].map(([key, queue]) => this.#work(key, queue)));
    this.#pauseMs = outcomes.some((isOver) => isOver)
      ? FIRST_PAUSE_MS
      : Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    this.#timer = undefined;
    if (this.#queues.size > 0) this.#schedule();
  }

  /** @returns whether any was done. */
  async #work(key: string, queue: Held[]): Promise<boolean> {
    let isAnyOver = false;
    for (let held = queue[0]; held; held = queue[0]) {
      const isOver = await held.work.attempt();
      // Stopped meanwhile, and given up.
      if (this.#queues.get(key) !== queue) return isAnyOver;
      const isLate = this.#options.clock() > held.until;
      if (!isOver && !isLate) return isAnyOver;
      queue.shift();
      this.#works -= 1;
      this.#bytes -= held.bytes;
      if (isOver) isAnyOver = true;
      else held.work.giveUp();
    }
    this.#queues.delete(key);
    return isAnyOver;
  }
}
