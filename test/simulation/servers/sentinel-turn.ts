import type { NodeAddress } from "../../../src/redis/library.ts";

/**
 * Which sentinel a connection asks next: ioredis goes on where it was, and begins anew after the last (its SentinelIterator).
 */
export class SentinelTurn {
  readonly #sentinels: NodeAddress[];
  #cursor = 0;

  constructor(sentinels: readonly NodeAddress[]) {
    this.#sentinels = [...sentinels];
  }

  /** Undefined after the last. */
  next(): NodeAddress | undefined {
    const one = this.#sentinels[this.#cursor];
    if (one) this.#cursor += 1;
    else this.#cursor = 0;
    return one;
  }

  /** The last one has named a server that is no primary, by its own words. */
  wasWrong(): void {
    this.#cursor = Math.min(this.#cursor + 2, this.#sentinels.length);
    this.#sentinels.unshift(...this.#sentinels.splice(this.#cursor - 1));
    this.#cursor = 0;
  }
}
