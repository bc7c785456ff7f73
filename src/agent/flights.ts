interface Validity {
  /** A message says that the read may bring what was there before: its result is worth nothing. */
  void: boolean;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly validity: Validity;
}

/**
 * Reads under way, one at a time for each name, shared by all who ask meanwhile.
 *
 * Invariant: nobody gets the result of a read that was voided. It is made again for all who wait for it: they may have
 * asked before the change, but what they do with the answer comes after. This ends as soon as one read is left alone.
 */
export class Flights<T> {
  readonly #running = new Map<string, Flight<T>>();
  /** How many reads were voided since the start. */
  voided = 0;

  has(name: string): boolean {
    return this.#running.has(name);
  }

  /**
   * @param read may reject: all who wait get the error, and the next to ask reads again.
   * @param keep called with the result just before anybody gets it, unless the read was voided. What it returns is what
   * they get.
   */
  share(name: string, read: () => Promise<T>, keep: (value: T) => T): Promise<T> {
    const running = this.#running.get(name);
    if (running) return running.result;
    const validity: Validity = { void: false };
    const result = this.#fly(name, validity, read, keep);
    this.#running.set(name, { result, validity });
    return result;
  }

  async #fly(name: string, validity: Validity, read: () => Promise<T>, keep: (value: T) => T): Promise<T> {
    try {
      const value = await read();
      if (!validity.void) return keep(value);
    } finally {
      // A voided flight has left its place already, perhaps to another.
      if (!validity.void) this.#running.delete(name);
    }
    return this.share(name, read, keep);
  }

  void(name: string): void {
    const flight = this.#running.get(name);
    if (!flight) return;
    flight.validity.void = true;
    this.#running.delete(name);
    this.voided += 1;
  }

  voidAll(): void {
    for (const name of [...this.#running.keys()]) this.void(name);
  }
}
