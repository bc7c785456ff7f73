/** Lets through so many in each turn of the event loop, in order: in between it has time for everything else. */
export class Turns {
  readonly #perTurn: number;
  readonly #waiting = new Set<() => void>();
  /** Of this turn. */
  #left: number;
  #isScheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
  }

  /** Resolves in this turn, if no one waits and there is room, or in a later one. */
  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      if (this.#left > 0 && this.#waiting.size === 1) this.#letThrough();
      else this.#schedule();
    });
  }

  #letThrough(): void {
    for (const go of this.#waiting) {
      if (this.#left === 0) break;
      this.#left -= 1;
      this.#waiting.delete(go);
      go();
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || (this.#waiting.size === 0 && this.#left === this.#perTurn)) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#left = this.#perTurn;
      this.#letThrough();
    });
  }
}
