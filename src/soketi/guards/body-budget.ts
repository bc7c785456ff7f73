interface Held {
  readonly bytes: number;
  readonly drop: () => void;
}

/** What is held of one body now. */
export interface HeldBody extends Held {
  /** All of it has come: it is looked for whoever has sent it. */
  readonly isComplete: boolean;
}

/**
 * Bounds what a node holds of bodies while it does not know who has sent them. Over the limit bodies go that are still
 * coming, the one that began first before the others: whoever sends a body has it here soon, and connections that leave
 * theirs unfinished make room for it, however small each of them is. Of complete bodies, which wait only for the app and
 * its answer, the largest goes.
 *
 * @typeParam O whose body it is.
 */
export class BodyBudget<O> {
  readonly #limit: () => number;
  /** In the order in which they began. */
  readonly #coming = new Map<O, Held>();
  readonly #complete = new Map<O, Held>();
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
   * More of a body has come.
   *
   * @param body its `drop` is called when the body has to go, at most once; perhaps at once.
   */
  hold(owner: O, body: HeldBody): void {
    this.#bytes += body.bytes - (this.#coming.get(owner)?.bytes ?? 0);
    if (body.isComplete) {
      this.#coming.delete(owner);
      this.#complete.set(owner, body);
    } else {
      this.#coming.set(owner, body);
    }
    const limit = this.#limit();
    while (this.#bytes > limit) this.#dropOne();
  }

  /** It is held no longer, or somebody answers for it. */
  release(owner: O): void {
    const held = this.#coming.get(owner) ?? this.#complete.get(owner);
    this.#bytes -= held?.bytes ?? 0;
    this.#coming.delete(owner);
    this.#complete.delete(owner);
  }

  #dropOne(): void {
    const [first] = this.#coming;
    const dropped = first ?? this.#largest();
    if (!dropped) return;
    this.release(dropped[0]);
    dropped[1].drop();
  }

  #largest(): [O, Held] | undefined {
    let largest: [O, Held] | undefined;
    for (const entry of this.#complete) if (entry[1].bytes > (largest?.[1].bytes ?? -1)) largest = entry;
    return largest;
  }
}
