import type { MonotonicClock } from "./ports.ts";

export interface ExpiringMapOptions {
  readonly clock: MonotonicClock;
  /** How long an entry stays. Milliseconds. */
  readonly ttlMs: number;
  /** Most memory for all entries, as their names are counted. What was set first goes first. */
  readonly maxBytes: number;
}

interface Entry<V> {
  readonly value: V;
  readonly since: number;
}

/** What an entry takes beside its name, about. Bytes. */
const ENTRY_BYTES = 200;

/**
 * Remembers what strangers have asked for, for a while: whatever they ask for, and however often, it takes no more than so
 * much memory, and leaves again.
 */
export class ExpiringMap<V> {
  readonly #options: ExpiringMapOptions;
  readonly #entries = new Map<string, Entry<V>>();
  #bytes = 0;

  constructor(options: ExpiringMapOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): V | undefined {
    const entry = this.#entries.get(name);
    return entry && this.#isIn(entry) ? entry.value : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** @param since what its time is counted from, on the clock. */
  set(name: string, value: V, since: number): void {
    this.delete(name);
    this.#entries.set(name, { value, since });
    this.#bytes += bytesOf(name);
    for (const [oldest] of this.#entries) {
      if (this.#bytes <= this.#options.maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(name: string): void {
    if (this.#entries.delete(name)) this.#bytes -= bytesOf(name);
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  /** Has those leave whose time is over. */
  sweep(): void {
    for (const [name, entry] of this.#entries) {
      if (this.#isIn(entry)) break;
      this.delete(name);
    }
  }

  #isIn({ since }: Entry<V>): boolean {
    return this.#options.clock() - since <= this.#options.ttlMs;
  }
}

/** UTF-16, as the engine has most names that are not plain ASCII; those take half. */
function bytesOf(name: string): number {
  return ENTRY_BYTES + name.length * 2;
}
