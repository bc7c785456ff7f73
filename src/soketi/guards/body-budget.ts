interface Held {
  bytes: number;
  readonly drop: () => void;
}

/**
 * Bounds what a node holds of bodies while it does not know who has sent them. Over the limit the largest is dropped: an
 * event is small beside what a stranger has to send to fill the limit, and always has room.
 *
 * @typeParam O whose body it is.
 */
export class BodyBudget<O> {
  readonly #limit: () => number;
  readonly #held = new Map<O, Held>();
  #bytes = 0;

  /** @param limit bytes of all bodies. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * So many more bytes have come.
   *
   * @param drop called when the body has to go, at most once; perhaps at once.
   */
  hold(owner: O, bytes: number, drop: () => void): void {
    const held = this.#held.get(owner) ?? { bytes: 0, drop };
    held.bytes += bytes;
    this.#held.set(owner, held);
    this.#bytes += bytes;
    const limit = this.#limit();
    while (this.#bytes > limit) this.#dropLargest();
  }

  /** It is held no longer, or somebody answers for it. */
  release(owner: O): void {
    this.#bytes -= this.#held.get(owner)?.bytes ?? 0;
    this.#held.delete(owner);
  }

  #dropLargest(): void {
    let largest: readonly [O, Held] | undefined;
    for (const entry of this.#held) if (entry[1].bytes > (largest?.[1].bytes ?? -1)) largest = entry;
    if (!largest) return;
    this.release(largest[0]);
    largest[1].drop();
  }
}
