/** Most that go on in one turn of the event loop, and how long they may take together. Milliseconds. */
const PER_TURN = 8;
const TURN_MS = 4;

/**
 * Lets who waits go on, in order, a few in each turn of the event loop: in between it has time for everything else.
 *
 * What one of them does, it does in microtasks, after it was let go. Each has a callback of the event loop of its own: those
 * microtasks have run before the next callback, which sees how long they took.
 */
export class Turns {
  readonly #waiting = new Set<() => void>();
  /** Of this turn, still to come. */
  #callbacks = 0;
  #until = 0;

  /** Resolves in its turn. */
  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#callbacks > 0 || this.#waiting.size === 0) return;
    this.#callbacks = PER_TURN;
    for (let i = 0; i < PER_TURN; i += 1) setImmediate(() => this.#letOneGo());
  }

  #letOneGo(): void {
    const now = performance.now();
    if (this.#callbacks === PER_TURN) this.#until = now + TURN_MS;
    this.#callbacks -= 1;
    const [go] = now < this.#until ? this.#waiting : [];
    if (go) {
      this.#waiting.delete(go);
      go();
    }
    this.#schedule();
  }
}
