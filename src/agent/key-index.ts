import type { Invalidation } from "../protocol/message.ts";
import { BoundedMap } from "./bounded-map.ts";
import { ExpiringMap } from "./expiring-map.ts";
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
  /** Most keys remembered. */
  readonly maxEntries: number;
}

/** Most memory for unknown keys, and as much again for those of apps that are not asked for. */
const MAX_BYTES = 4 * 2 ** 20;

/** How long the key of an app is remembered that is not asked for: the table's index has it by then. Milliseconds. */
const ANNOUNCED_TTL_MS = 60_000;

/**
 * Which app a key leads to: learned from messages, which are authoritative, or from the table's index. What it says is
 * a hint all the same: who follows it checks that the app has that key.
 *
 * A message tells of an app that this node may never be asked for: its key is remembered apart, for a while, so that a
 * write to the whole table does not push out the keys that are in use.
 */
export class KeyIndex {
  /** Queries of the table's index since the start. */
  queries = 0;
  readonly #options: KeyIndexOptions;
  readonly #ids: BoundedMap<string>;
  /** Key -> app id, of messages about apps that are not asked for. */
  readonly #announced: ExpiringMap<string>;
  /** Keys that the index did not know. */
  readonly #missing: ExpiringMap<true>;
  readonly #queries: SingleFlight<{ readonly id: string | undefined; readonly askedAt: number }>;

  constructor(options: KeyIndexOptions) {
    this.#options = options;
    this.#queries = new SingleFlight(options.clock, options.loadBudgetMs);
    this.#ids = new BoundedMap(options.maxEntries);
    const { clock, missingKeyTtlMs } = options;
    this.#announced = new ExpiringMap({ clock, ttlMs: ANNOUNCED_TTL_MS, maxBytes: MAX_BYTES });
    this.#missing = new ExpiringMap({ clock, ttlMs: missingKeyTtlMs, maxBytes: MAX_BYTES });
  }

  /** Keys that lead to no app, or to one that nobody asked for. */
  get unasked(): number {
    return this.#missing.size + this.#announced.size;
  }

  get voidedQueries(): number {
    return this.#queries.voided;
  }

  idOf(key: string): string | undefined {
    return this.#ids.get(key) ?? this.#announced.get(key);
  }

  isMissing(key: string): boolean {
    return this.#missing.has(key);
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
      if (found.id === undefined) this.#missing.set(key, true, found.askedAt);
      return found;
    });
    return id;
  }

  learn(key: string, id: string): void {
    this.#announced.delete(key);
    this.#ids.set(key, id);
  }

  /** Only if the key still leads to this app: another may have taken it over. */
  forget(key: string, id: string): void {
    if (this.#ids.get(key) === id) this.#ids.delete(key);
    if (this.#announced.get(key) === id) this.#announced.delete(key);
  }

  /**
   * The keys of a change: what is being asked about them is void, and the current one is known.
   *
   * @param isInUse this node has been asked for the app.
   */
  apply({ appId, key: current, keys }: Invalidation, isInUse: boolean): void {
    const isAskedFor =
      isInUse ||
      keys.some((key) => this.#ids.get(key) === appId || this.#missing.has(key) || this.#queries.has(key));
    for (const key of keys) {
      this.#queries.void(key);
      this.#missing.delete(key);
      this.forget(key, appId);
    }
    if (current === undefined) return;
    if (isAskedFor) this.learn(current, appId);
    else this.#announced.set(current, appId, this.#options.clock());
  }

  /** Has those leave whose time is over. */
  sweep(): void {
    this.#missing.sweep();
    this.#announced.sweep();
  }

  /** Which keys are known stays: it is a hint, and all there is while the index cannot be asked. */
  flush(): void {
    this.#missing.clear();
    this.#queries.voidAll();
  }
}
