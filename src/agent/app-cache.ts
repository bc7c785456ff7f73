import type { Change } from "../protocol/message.ts";
import type { AppIdentity, AppSource, MonotonicClock } from "./ports.ts";

/** Counters since the start. Plain numbers, because they are written on every lookup. */
export interface CacheStats {
  hits: number;
  /** Lookups that had to wait for the table, or for somebody else's read of it. */
  misses: number;
  /** Reads of the table by id. */
  loads: number;
  /** Queries of the index by key. */
  resolves: number;
  /** Entries dropped because a message named their app. */
  drops: number;
  /** Reads that a message overtook: their result was thrown away and read again. */
  voidedLoads: number;
}

interface Entry<A> {
  readonly app: A;
  /** Handed out as it is on each hit: a hit allocates nothing. */
  readonly answer: Promise<A>;
  /** When the read that gave it was sent. */
  readonly readAt: number;
}

/** A read under way. Shared by all who ask meanwhile; void once a message says that it may bring the old state. */
interface Flight<T> {
  readonly result: Promise<T>;
  readonly validity: Validity;
}

interface Validity {
  void: boolean;
}

/**
 * The agent's app cache: one entry for each app id, an alias for each key.
 *
 * Invariants. An entry that a message named is gone before the message is done, and the read that overlaps it is never
 * kept or handed out: it is made again. An entry is handed out only while the lease says that no message was missed,
 * or while it is younger than `degradedTtlMs`. An alias is only a hint: the app it leads to must have that key.
 */
export class AppCache<A extends AppIdentity> {
  readonly stats: CacheStats = { hits: 0, misses: 0, loads: 0, resolves: 0, drops: 0, voidedLoads: 0 };
  readonly #source: AppSource<A>;
  readonly #clock: MonotonicClock;
  readonly #leaseUntil: () => number;
  readonly #degradedTtlMs: number;
  readonly #onLoadFailed: (what: string, error: unknown) => void;
  readonly #entries = new Map<string, Entry<A>>();
  readonly #aliases = new Map<string, string>();
  readonly #loads = new Map<string, Flight<A | null>>();
  readonly #resolves = new Map<string, Flight<string | undefined>>();

  constructor(parts: {
    readonly source: AppSource<A>;
    readonly clock: MonotonicClock;
    readonly leaseUntil: () => number;
    readonly degradedTtlMs: number;
    /** The table could not be read; the lookup is answered with null. `what` names the app id or key. */
    readonly onLoadFailed: (what: string, error: unknown) => void;
  }) {
    this.#source = parts.source;
    this.#clock = parts.clock;
    this.#leaseUntil = parts.leaseUntil;
    this.#degradedTtlMs = parts.degradedTtlMs;
    this.#onLoadFailed = parts.onLoadFailed;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Never rejects: null when there is no such app, and when the table could not be read. */
  findById(id: string): Promise<A | null> {
    const entry = this.#entries.get(id);
    if (entry && this.#isProven(entry)) {
      this.stats.hits += 1;
      return entry.answer;
    }
    this.stats.misses += 1;
    return this.#load(id);
  }

  /** As `findById`, by the key that clients connect with. */
  findByKey(key: string): Promise<A | null> {
    const id = this.#aliases.get(key);
    const entry = id === undefined ? undefined : this.#entries.get(id);
    if (entry?.app.key === key && this.#isProven(entry)) {
      this.stats.hits += 1;
      return entry.answer;
    }
    this.stats.misses += 1;
    return this.#findByUnprovenKey(key);
  }

  /** Forgets the app of a change. Messages are authoritative for the current key, so that the index need not be asked. */
  apply(change: Change): void {
    const { appId, app, keys } = change;
    this.#drop(appId);
    for (const key of keys) {
      this.#voidFlight(this.#resolves, key);
      // Another app may have taken the key over, in a message that came before this one.
      if (this.#aliases.get(key) === appId) this.#aliases.delete(key);
    }
    if (app) this.#aliases.set(app.key, appId);
  }

  /** Forgets everything, and what is being read as well. */
  flush(): void {
    this.stats.drops += this.#entries.size;
    this.#entries.clear();
    this.#aliases.clear();
    for (const id of [...this.#loads.keys()]) this.#voidFlight(this.#loads, id);
    for (const key of [...this.#resolves.keys()]) this.#voidFlight(this.#resolves, key);
  }

  /** Whether a change of this app matters here: it is cached, or about to be. */
  holds(id: string): boolean {
    return this.#entries.has(id) || this.#loads.has(id);
  }

  #drop(id: string): void {
    if (this.#entries.delete(id)) this.stats.drops += 1;
    this.#voidFlight(this.#loads, id);
  }

  #voidFlight(flights: Map<string, Flight<unknown>>, name: string): void {
    const flight = flights.get(name);
    if (!flight) return;
    flight.validity.void = true;
    flights.delete(name);
    this.stats.voidedLoads += 1;
  }

  #isProven(entry: Entry<A>): boolean {
    const now = this.#clock();
    return now < this.#leaseUntil() || now - entry.readAt <= this.#degradedTtlMs;
  }

  #load(id: string): Promise<A | null> {
    return this.#share(this.#loads, id, async (flight) => {
      const readAt = this.#clock();
      this.stats.loads += 1;
      let app: A | null;
      try {
        app = (await this.#source.loadById(id)) ?? null;
      } catch (error) {
        this.#onLoadFailed(`app ${id}`, error);
        return null;
      }
      if (!flight.void) {
        if (app) this.#entries.set(id, { app, answer: Promise.resolve(app), readAt });
        else this.#entries.delete(id);
      }
      return app;
    });
  }

  async #findByUnprovenKey(key: string): Promise<A | null> {
    const known = this.#aliases.get(key);
    if (known !== undefined) {
      const app = await this.#provenById(known);
      if (app?.key === key) return app;
      if (this.#aliases.get(key) === known) this.#aliases.delete(key);
    }
    const id = await this.#resolve(key);
    const app = id === undefined ? null : await this.#provenById(id);
    // The index lags: it may still name the app that had the key before.
    if (app?.key !== key) return null;
    this.#aliases.set(key, app.id);
    return app;
  }

  #provenById(id: string): Promise<A | null> {
    const entry = this.#entries.get(id);
    return entry && this.#isProven(entry) ? entry.answer : this.#load(id);
  }

  #resolve(key: string): Promise<string | undefined> {
    return this.#share(this.#resolves, key, async () => {
      this.stats.resolves += 1;
      try {
        return await this.#source.resolveKey(key);
      } catch (error) {
        this.#onLoadFailed(`key ${key}`, error);
        return undefined;
      }
    });
  }

  /**
   * One read at a time for each name. A read that became void is made again for all who wait for it: they may have
   * asked before the change, but what they do with the answer comes after. Ends as soon as one read is left in peace.
   */
  #share<T>(
    flights: Map<string, Flight<T>>,
    name: string,
    read: (flight: Validity) => Promise<T>,
  ): Promise<T> {
    const running = flights.get(name);
    if (running) return running.result;
    const validity: Validity = { void: false };
    const result = (async () => {
      try {
        const value = await read(validity);
        return validity.void ? await this.#share(flights, name, read) : value;
      } finally {
        if (flights.get(name)?.validity === validity) flights.delete(name);
      }
    })();
    flights.set(name, { result, validity });
    return result;
  }
}
