import type { Change } from "../protocol/message.ts";
import { BoundedMap } from "./bounded-map.ts";
import { Flights } from "./flights.ts";
import { KeyIndex } from "./key-index.ts";
import type { AppIdentity, AppSource, MonotonicClock } from "./ports.ts";

/** Counters since the start. Plain numbers, because one is written on every lookup. */
export interface CacheStats {
  hits: number;
  /** Lookups that had to wait for the table, or for somebody else's read of it. */
  misses: number;
  /** Reads of the table by id. */
  loads: number;
  loadErrors: number;
  /** Entries dropped because a message named their app, or by a flush. */
  drops: number;
  /** Entries that were served unverified, because the table could not be read. */
  staleServed: number;
}

/** Bounds of the cache. Times in milliseconds, counted from when a read was sent. */
export interface CacheLimits {
  /** Without a lease: how old an entry may be served. */
  readonly degradedTtlMs: number;
  /** While the table cannot be read: how old an unverified, never an invalidated, entry may be served. */
  readonly maxStaleOnErrorMs: number;
  /**
   * A read takes no longer than this, unless the process was paused meanwhile; and one that messages void again and again
   * is made again for no longer than this.
   */
  readonly loadBudgetMs: number;
  /** How long a key is believed unknown. Short, because the index by key lags behind the table. */
  readonly missingKeyTtlMs: number;
  /** Most apps; most aliases, missing ids and missing keys as well, each. */
  readonly maxEntries: number;
}

/** What a consistent read said of one app id: the app, or that there is none. */
interface Entry<A> {
  readonly app: A | null;
  /** Handed out as it is on each hit: a hit allocates nothing. */
  readonly answer: Promise<A | null>;
  /** When the read that gave it was sent. */
  readonly readAt: number;
}

/** Told of the error that stood in the way. */
type Told = (error: unknown) => void;

const NOBODY: Promise<null> = Promise.resolve(null);

/**
 * The agent's app cache: one entry for each app id, an alias for each key.
 *
 * Invariants. An entry that a message named is gone before the message is done, and a read that overlaps it is never
 * kept nor handed out. An entry is handed out while the lease says that no message was missed, or while it is younger
 * than `degradedTtlMs`; past that only when the table itself cannot be read. An alias is a hint: the app that it leads to
 * must have that key.
 */
export class AppCache<A extends AppIdentity> {
  readonly stats: CacheStats = {
    hits: 0,
    misses: 0,
    loads: 0,
    loadErrors: 0,
    drops: 0,
    staleServed: 0,
  };
  readonly #source: AppSource<A>;
  readonly #clock: MonotonicClock;
  readonly #leaseUntil: () => number;
  readonly #limits: CacheLimits;
  readonly #isSame: (left: A, right: A) => boolean;
  readonly #onChanged: (id: string) => void;
  readonly #onLoadFailed: (what: string, error: unknown) => void;
  readonly #entries: BoundedMap<Entry<A>>;
  /** Ids that have no app. Apart, so that a flood of made-up ids cannot push real apps out. */
  readonly #missing: BoundedMap<Entry<A>>;
  readonly #keys: KeyIndex;
  readonly #loads: Flights<Entry<A>>;

  constructor(parts: {
    readonly source: AppSource<A>;
    readonly clock: MonotonicClock;
    readonly leaseUntil: () => number;
    readonly limits: CacheLimits;
    /** Whether two reads gave the same app. */
    readonly isSame: (left: A, right: A) => boolean;
    /** A read brought another app than the entry it replaces, without a message: only without a lease. */
    readonly onChanged: (id: string) => void;
    /** The table could not be read. `what` names the app id or key. */
    readonly onLoadFailed: (what: string, error: unknown) => void;
  }) {
    this.#source = parts.source;
    this.#clock = parts.clock;
    this.#leaseUntil = parts.leaseUntil;
    this.#limits = parts.limits;
    this.#isSame = parts.isSame;
    this.#onChanged = parts.onChanged;
    this.#onLoadFailed = parts.onLoadFailed;
    const { maxEntries, loadBudgetMs } = parts.limits;
    this.#loads = new Flights(parts.clock, loadBudgetMs);
    this.#keys = new KeyIndex({
      query: (key) => parts.source.resolveKey(key),
      clock: parts.clock,
      ...parts.limits,
    });
    this.#missing = new BoundedMap(maxEntries);
    this.#entries = new BoundedMap(maxEntries, (id, { app }) => {
      if (app) this.#keys.forget(app.key, id);
    });
  }

  /** Apps held, not counting the missing ones. */
  get size(): number {
    return this.#entries.size;
  }

  get voidedReads(): number {
    return this.#loads.voided + this.#keys.voidedQueries;
  }

  get indexQueries(): number {
    return this.#keys.queries;
  }

  /**
   * Never rejects: null when there is no such app, and at last when the table could not be read.
   *
   * @param onUnreadable told why, in the latter case: who can tell the two apart, should.
   */
  findById(id: string, onUnreadable?: Told): Promise<A | null> {
    const entry = this.#entries.get(id) ?? this.#missing.get(id);
    if (entry && this.#isProven(entry)) {
      this.stats.hits += 1;
      return entry.answer;
    }
    this.stats.misses += 1;
    return this.#orUnverified(id, this.lookup(id), onUnreadable);
  }

  /** As `findById`, by the key that clients connect with. */
  findByKey(key: string, onUnreadable?: Told): Promise<A | null> {
    const id = this.#keys.idOf(key);
    const entry = id === undefined ? undefined : this.#entries.get(id);
    if (entry?.app?.key === key && this.#isProven(entry)) {
      this.stats.hits += 1;
      return entry.answer;
    }
    if (id === undefined && this.#keys.isMissing(key)) {
      this.stats.hits += 1;
      return NOBODY;
    }
    this.stats.misses += 1;
    return this.#findByUnprovenKey(key, onUnreadable);
  }

  /** As `findById`, but rejects when the table cannot be read: who acts on absence must know it. */
  async lookup(id: string): Promise<A | null> {
    const entry = this.#entries.get(id) ?? this.#missing.get(id);
    return entry && this.#isProven(entry) ? entry.app : (await this.#load(id)).app;
  }

  /** The app that is cached now, proven or not. Costs nothing. */
  peek(id: string): A | undefined {
    return this.#entries.get(id)?.app ?? undefined;
  }

  /** What is held of an app, for people to see: undefined for nothing, `app` null for "there is none". */
  inspect(id: string): { app: A | null; readMsAgo: number; proven: boolean } | undefined {
    const entry = this.#entries.get(id) ?? this.#missing.get(id);
    return (
      entry && { app: entry.app, readMsAgo: this.#clock() - entry.readAt, proven: this.#isProven(entry) }
    );
  }

  /** Ids of the cached apps, oldest read first. */
  ids(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** Forgets the app of a change. Messages are authoritative for the current key: the index need not be asked. */
  apply(change: Change): void {
    this.drop(change.appId);
    this.#keys.apply(change);
  }

  /** Forgets one app, and voids the read of it. */
  drop(id: string): void {
    if (this.#entries.delete(id)) this.stats.drops += 1;
    this.#missing.delete(id);
    this.#loads.void(id);
  }

  /** Forgets everything, and voids all reads. */
  flush(): void {
    this.stats.drops += this.#entries.size;
    this.#entries.clear();
    this.#missing.clear();
    this.#keys.flush();
    this.#loads.voidAll();
  }

  /** Whether a change of this app matters here: it is cached, or about to be. */
  holds(id: string): boolean {
    return this.#entries.has(id) || this.#loads.has(id);
  }

  #isProven({ readAt }: Pick<Entry<A>, "readAt">): boolean {
    const now = this.#clock();
    return now < this.#leaseUntil() || now - readAt <= this.#limits.degradedTtlMs;
  }

  async #findByUnprovenKey(key: string, onUnreadable?: Told): Promise<A | null> {
    const known = this.#keys.idOf(key);
    if (known !== undefined) {
      const app = await this.#orUnverified(known, this.lookup(known), onUnreadable);
      if (app?.key === key) return app;
      // Nothing could be read, so nothing is known of the key either: the index would not help.
      if (app === null && !this.#missing.has(known)) return null;
      this.#keys.forget(key, known);
    }
    const id = await this.#resolve(key, onUnreadable);
    const app = id === undefined ? null : await this.#orUnverified(id, this.lookup(id), onUnreadable);
    // The index lags: it may still name the app that had the key before.
    if (id === undefined || app?.key !== key) return null;
    this.#keys.learn(key, id);
    return app;
  }

  #load(id: string): Promise<Entry<A>> {
    const read = async () => {
      for (;;) {
        const readAt = this.#clock();
        this.stats.loads += 1;
        const app = (await this.#source.loadById(id)) ?? null;
        // A process that was paused meanwhile has an answer in its hands that is as old as the pause.
        const inTime = this.#clock() - readAt <= this.#limits.loadBudgetMs;
        if (inTime || this.#isProven({ readAt })) return { app, answer: Promise.resolve(app), readAt };
      }
    };
    return this.#loads.share(id, read, (entry) => this.#keep(id, entry));
  }

  /** An entry that is only confirmed keeps its app object: connections are told apart by it. */
  #keep(id: string, entry: Entry<A>): Entry<A> {
    const before = this.#entries.get(id);
    const confirmed = before?.app && entry.app && this.#isSame(before.app, entry.app);
    const kept = confirmed ? { ...before, readAt: entry.readAt } : entry;
    this.#entries.delete(id);
    this.#missing.delete(id);
    (kept.app ? this.#entries : this.#missing).set(id, kept);
    if (before && !confirmed) this.#onChanged(id);
    return kept;
  }

  /** Undefined also when the index could not be asked: that is reported, and not remembered. */
  async #resolve(key: string, onUnreadable?: Told): Promise<string | undefined> {
    try {
      return await this.#keys.query(key);
    } catch (error) {
      this.#failed(`key ${key}`, error);
      onUnreadable?.(error);
      return undefined;
    }
  }

  /** A failed read is answered with what is still held of the app, if that was never invalidated and is not too old. */
  #orUnverified(id: string, lookup: Promise<A | null>, onUnreadable?: Told): Promise<A | null> {
    return lookup.catch((error: unknown) => {
      this.#failed(`app ${id}`, error);
      const entry = this.#entries.get(id);
      if (!entry || this.#clock() - entry.readAt > this.#limits.maxStaleOnErrorMs) {
        onUnreadable?.(error);
        return null;
      }
      this.stats.staleServed += 1;
      return entry.app;
    });
  }

  #failed(what: string, error: unknown): void {
    this.stats.loadErrors += 1;
    this.#onLoadFailed(what, error);
  }
}
