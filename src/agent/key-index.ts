import type { Change } from "../protocol/message.ts";
import { BoundedMap } from "./bounded-map.ts";
import { SingleFlight } from "./single-flight.ts";
import type { MonotonicClock } from "./ports.ts";

export interface KeyIndexOptions {
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
  readonly #options: KeyIndexOptions;
  readonly #ids: BoundedMap<string>;
  /** Keys that the index did not know, with when it was asked. */
  readonly #missing: BoundedMap<number>;
  readonly #queries: SingleFlight<{ readonly id: string | undefined; readonly askedAt: number }>;

  constructor(options: KeyIndexOptions) {
    this.#options = options;
    this.#queries = new SingleFlight(options.clock, options.loadBudgetMs);
    this.#ids = new BoundedMap(options.maxEntries);
    this.#missing = new BoundedMap(options.maxEntries);
  }

  get voidedQueries(): number {
    return this.#queries.voided;
  }

  idOf(key: string): string | undefined {
    return this.#ids.get(key);
  }

  isMissing(key: string): boolean {
    const askedAt = this.#missing.get(key);
    return askedAt !== undefined && this.#options.clock() - askedAt <= this.#options.missingKeyTtlMs;
  }

  /** Asks the index. One query at a time for each key. @throws what the query throws. */
  async query(key: string): Promise<string | undefined> {
    const read = async () => {
      for (;;) {
        const askedAt = this.#options.clock();
        this.queries += 1;
        const id = await this.#options.query(key);
        // A process that was paused meanwhile has an answer in its hands that is as old as the pause.
        if (this.#options.clock() - askedAt <= this.#options.loadBudgetMs) return { id, askedAt };
      }
    };
    const { id } = await this.#queries.share(key, read, (found) => {
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
      this.#queries.void(key);
      this.#missing.delete(key);
      this.forget(key, appId);
    }
    if (app) this.learn(app.key, appId);
  }

  flush(): void {
    this.#ids.clear();
    this.#missing.clear();
    this.#queries.voidAll();
  }
}
