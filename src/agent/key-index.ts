import type { Change } from "../protocol/message.ts";
import { BoundedMap } from "./bounded-map.ts";
import { Flights } from "./flights.ts";
import type { MonotonicClock } from "./ports.ts";

export interface KeyIndexParts {
  /** Asks the table's index, which lags behind the table. Undefined: it knows no such key. */
  readonly query: (key: string) => Promise<string | undefined>;
  readonly clock: MonotonicClock;
  /** A query takes, and is repeated, no longer than this, unless the process was paused meanwhile. Milliseconds. */
  readonly loadBudgetMs: number;
  /** How long a key is believed unknown, in milliseconds from when the index was asked. */
  readonly missingKeyTtlMs: number;
  /** Most keys remembered, and most unknown ones. */
  readonly maxEntries: number;
}

/**
 * Which app a key leads to: learned from messages, which are authoritative, or from the table's index. What it says is
 * a hint all the same: who follows it checks that the app has that key.
 */
export class KeyIndex {
  /** Queries of the table's index since the start. */
  queries = 0;
  readonly #parts: KeyIndexParts;
  readonly #ids: BoundedMap<string>;
  /** Keys that the index did not know, with when it was asked. */
  readonly #missing: BoundedMap<number>;
  readonly #flights: Flights<{ readonly id: string | undefined; readonly askedAt: number }>;

  constructor(parts: KeyIndexParts) {
    this.#parts = parts;
    this.#flights = new Flights(parts.clock, parts.loadBudgetMs);
    this.#ids = new BoundedMap(parts.maxEntries);
    this.#missing = new BoundedMap(parts.maxEntries);
  }

  get voidedQueries(): number {
    return this.#flights.voided;
  }

  idOf(key: string): string | undefined {
    return this.#ids.get(key);
  }

  isMissing(key: string): boolean {
    const askedAt = this.#missing.get(key);
    return askedAt !== undefined && this.#parts.clock() - askedAt <= this.#parts.missingKeyTtlMs;
  }

  /** Asks the index. One query at a time for each key. @throws what the query throws. */
  async query(key: string): Promise<string | undefined> {
    const read = async () => {
      for (;;) {
        const askedAt = this.#parts.clock();
        this.queries += 1;
        const id = await this.#parts.query(key);
        // A process that was paused meanwhile has an answer in its hands that is as old as the pause.
        if (this.#parts.clock() - askedAt <= this.#parts.loadBudgetMs) return { id, askedAt };
      }
    };
    const { id } = await this.#flights.share(key, read, (found) => {
      if (found.id === undefined) this.#missing.set(key, found.askedAt);
      return found;
    });
    return id;
  }

  learn(key: string, id: string): void {
    this.#ids.set(key, id);
  }

  /** Only if the key still leads to this app: another may have taken it over. */
  forget(key: string, id: string): void {
    if (this.#ids.get(key) === id) this.#ids.delete(key);
  }

  /** The keys of a change: what is being asked about them is void, and the current one is known. */
  apply({ appId, app, keys }: Change): void {
    for (const key of keys) {
      this.#flights.void(key);
      this.#missing.delete(key);
      this.forget(key, appId);
    }
    if (app) this.learn(app.key, appId);
  }

  flush(): void {
    this.#ids.clear();
    this.#missing.clear();
    this.#flights.voidAll();
  }
}
