/** A Map that holds at most so many entries: the one that was set longest ago goes first. */
export class BoundedMap<V> extends Map<string, V> {
  readonly #most: number;
  readonly #onEvicted: (name: string, value: V) => void;

  /** @param most at least 1. */
  constructor(most: number, onEvicted: (name: string, value: V) => void = () => undefined) {
    super();
    this.#most = most;
    this.#onEvicted = onEvicted;
  }

  /** Setting an entry again makes it the newest. */
  override set(name: string, value: V): this {
    this.delete(name);
    super.set(name, value);
    if (this.size > this.#most) this.#evictOldest();
    return this;
  }

  #evictOldest(): void {
    for (const [name, value] of this) {
      this.delete(name);
      this.#onEvicted(name, value);
      return;
    }
  }
}
