/** How long those may take together that go on in one turn of the event loop. Milliseconds. */
const TURN_MS = 4;

/**
 * Lets who waits go on, in order, a few in each turn of the event loop: in between it has time for everything else.
 *
 * What one of them does, it does in microtasks, after it was let go. Each has a callback of the event loop of its own: those
 * microtasks have run before the next callback, which sees how long they took.
 */
export class Turns {
  readonly #perTurn: number;
  readonly #waiting = new Set<() => void>();
  /** Of this turn, still to come. */
  #callbacks = 0;

  constructor(perTurn = 8) {
    this.#perTurn = perTurn;
  }

  /** Resolves in its turn. */
  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#callbacks > 0) return;
    let until = 0;
    const letOneGo = () => {
      const now = performance.now();
      until ||= now + TURN_MS;
      const [go] = now < until ? this.#waiting : [];
      if (go) this.#waiting.delete(go);
      go?.();
      this.#callbacks -= 1;
      this.#schedule();
    };
    this.#callbacks = Math.min(this.#perTurn, this.#waiting.size);
    for (let i = 0; i < this.#callbacks; i += 1) setImmediate(letOneGo);
  }
}
