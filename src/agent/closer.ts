import { pause } from "../async/pause.ts";
import type { Connection, MonotonicClock } from "./ports.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface CloserOptions {
  readonly clock: MonotonicClock;
  /** Most connections closed in one second, of all apps together. */
  readonly closesPerSecond: number;
  /** No connection of the app waits to be closed any more. `closed`: how many were, since this was last called. */
  readonly onClosed: (appId: string, closed: number) => void;
}

/** A connection, and what its client is told. */
export interface Closing {
  readonly connection: Pick<Connection<never>, "id" | "close">;
  readonly code: number;
  readonly message: string;
}

interface Queue {
  /** Connection id -> what waits. */
  readonly waiting: Map<string, Closing>;
  closed: number;
}

/** The event loop is held for about this long at a time. Milliseconds. */
const TURN_MS = 4;
/** Most connections closed in one turn. */
const MAX_PER_TURN = 16;
/** Of one app. 50,000 that wait are as many objects, which hold the event loop when the garbage collector moves them. */
const MAX_WAITING = 1_000;

/** While no more may be closed for now, it is checked again after this. Milliseconds. */
const PAUSE_MS = 10;

/**
 * Closes connections slowly, those of all apps in turn: none waits for a larger one.
 *
 * What soketi does for a closed connection, it does in microtasks, after `close` has returned. How long a turn took shows
 * therefore only in the next callback of the event loop; by that it is decided how many the next turn may close.
 */
export class Closer {
  readonly #options: CloserOptions;
  readonly #bucket: TokenBucket;
  readonly #queues = new Map<string, Queue>();
  #perTurn = 1;
  #isWorking = false;

  constructor(options: CloserOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket({
      clock: options.clock,
      perSecond: () => options.closesPerSecond,
      savedMs: PAUSE_MS * 2,
    });
  }

  /** How many wait to be closed. */
  get waiting(): number {
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.waiting.size;
    return waiting;
  }

  /** More of this app need not be added for the moment: so many wait that they take a while. */
  isFull(appId: string): boolean {
    return (this.#queues.get(appId)?.waiting.size ?? 0) >= MAX_WAITING;
  }

  /** Closes it in its turn. One that waits already keeps its place. */
  add(appId: string, closing: Closing): void {
    let queue = this.#queues.get(appId);
    if (!queue) this.#queues.set(appId, (queue = { waiting: new Map(), closed: 0 }));
    queue.waiting.set(closing.connection.id, closing);
    this.#work();
  }

  /** The connection may stay after all. */
  remove(appId: string, connectionId: string): void {
    const queue = this.#queues.get(appId);
    if (queue?.waiting.delete(connectionId) && queue.waiting.size === 0) this.cancel(appId);
  }

  /** All connections of the app that wait may stay. */
  cancel(appId: string): void {
    const queue = this.#queues.get(appId);
    if (!queue) return;
    this.#queues.delete(appId);
    if (queue.closed > 0) this.#options.onClosed(appId, queue.closed);
  }

  stop(): void {
    for (const appId of [...this.#queues.keys()]) this.cancel(appId);
  }

  #work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    // Each of these may take longer than those before.
    this.#perTurn = 1;
    void this.#closeAll();
  }

  async #closeAll(): Promise<void> {
    while (this.#queues.size > 0) {
      const count = this.#bucket.take(this.#perTurn);
      if (count > 0) await this.#turn(count);
      else await pause(PAUSE_MS);
    }
    this.#isWorking = false;
  }

  /** Both callbacks run in one phase of the event loop: between them are the microtasks of the first, and nothing else. */
  #turn(count: number): Promise<void> {
    let begunAt = 0;
    setImmediate(() => {
      begunAt = this.#options.clock();
      for (let i = 0; i < count; i += 1) this.#closeNext();
    });
    return new Promise((resolve) => {
      setImmediate(() => {
        const tookMs = this.#options.clock() - begunAt;
        if (tookMs > TURN_MS) this.#perTurn = Math.max(1, Math.floor((count * TURN_MS) / tookMs));
        else if (tookMs < TURN_MS / 2 && count === this.#perTurn)
          this.#perTurn = Math.min(MAX_PER_TURN, count * 2);
        resolve();
      });
    });
  }

  #closeNext(): void {
    const [next] = this.#queues;
    if (!next) return;
    const [appId, queue] = next;
    const [closing] = queue.waiting.values();
    if (closing) {
      queue.waiting.delete(closing.connection.id);
      queue.closed += 1;
      closing.connection.close(closing.code, closing.message);
    }
    // All other apps have their turn before this one has it again.
    this.#queues.delete(appId);
    if (queue.waiting.size > 0) this.#queues.set(appId, queue);
    else this.#options.onClosed(appId, queue.closed);
  }
}
