import { countdown, PARTS } from "../async/within.ts";
import type { Invalidation } from "../protocol/message.ts";
import { CacheEntries, type CacheEntry, type ReadApp } from "./cache-entries.ts";
import { KeyIndex } from "./key-index.ts";
import type { AppCacheOptions, CacheLimits, CacheStats } from "./cache-options.ts";
import type { AppIdentity, AppSource, MonotonicClock } from "./ports.ts";
import { SingleFlight } from "./single-flight.ts";

type OnUnreadable = (error: unknown) => void;

const NO_APP: Promise<null> = Promise.resolve(null);

/** A read that ends by itself, with its budget, says more of what stood in the way. Milliseconds. */
const GRACE_MS = 100;

const late = () => new Error("expected the key and then the app from DynamoDB in time, found no answer");

/**
 * The agent's app cache: one entry for each app id, an alias for each key.
 *
 * Invariants. An entry that a message named is gone before the message is done. A read that overlaps that message, or a
 * flush, is never kept nor handed out. An entry is handed out while the lease says that no message was missed, or while it
 * is younger than `degradedTtlMs`, and no flush has come since it was read; past that only when the table itself cannot be
 * read. An alias is a hint: the app that it leads to must have that key.
 */
export class AppCache<A extends AppIdentity> {
  readonly stats: CacheStats = { hits: 0, misses: 0, loads: 0, loadErrors: 0, drops: 0, staleServed: 0 };
  readonly #source: AppSource<A>;
  readonly #clock: MonotonicClock;
  readonly #limits: CacheLimits;
  readonly #options: AppCacheOptions<A>;
  readonly #entries: CacheEntries<A>;
  readonly #keys: KeyIndex;
  readonly #loads: SingleFlight<ReadApp<A>>;

  constructor(options: AppCacheOptions<A>) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#options = options;
    const { clock, lease, limits, source } = options;
    this.#loads = new SingleFlight(clock, limits.loadBudgetMs);
    this.#keys = new KeyIndex({ query: (key) => source.resolveKey(key), clock, ...limits });
    this.#entries = new CacheEntries({ clock, lease, ...limits });
  }

  /** Apps held. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is remembered of strangers: ids and keys that were not found, keys of apps that nobody asked for. */
  get missing(): number {
    return this.#entries.missing + this.#keys.unasked;
  }

  get voidedReads(): number {
    return this.#loads.voided + this.#keys.voidedQueries;
  }

  get indexQueries(): number {
    return this.#keys.queries;
  }

  /**
   * Never rejects: null if there is no such app, or if the table could not be read within the budget.
   *
   * @param onUnreadable called with the reason in the latter case, so that callers can distinguish the two.
   */
  findById(id: string, onUnreadable?: OnUnreadable): Promise<A | null> {
    const entry = this.#entries.get(id);
    if (entry && this.#entries.isProven(entry)) {
      this.stats.hits += 1;
      return entry.answer;
    }
    this.stats.misses += 1;
    return this.#orUnverified(id, this.lookup(id), onUnreadable);
  }

  /** As `findById`, by the key that clients connect with. */
  findByKey(key: string, onUnreadable?: OnUnreadable): Promise<A | null> {
    const id = this.#keys.idOf(key);
    const entry = id === undefined ? undefined : this.#entries.getApp(id);
    if (entry?.app?.key === key && this.#entries.isProven(entry)) {
      this.stats.hits += 1;
      return entry.answer;
    }
    if (id === undefined && this.#keys.isMissing(key)) {
      this.stats.hits += 1;
      return NO_APP;
    }
    this.stats.misses += 1;
    return this.#findByUnprovenKey(key, onUnreadable);
  }

  /** As `findById`, but rejects when the table cannot be read: who acts on absence must know it. */
  async lookup(id: string): Promise<A | null> {
    const entry = this.#entries.get(id);
    return entry && this.#entries.isProven(entry) ? entry.app : (await this.#load(id)).app;
  }

  /** As `lookup`, but reads what is proven as well: a lookup trusts an entry that is young. */
  revalidate(id: string): Promise<A | null> {
    return this.#load(id).then(({ app }) => app);
  }

  /** The app that is cached now, proven or not. */
  peek(id: string): A | undefined {
    return this.#entries.getApp(id)?.app ?? undefined;
  }

  /** What is held of an app, for people to see: undefined for nothing, `app` null for "there is none". */
  inspect(id: string): { app: A | null; readMsAgo: number; proven: boolean } | undefined {
    const entry = this.#entries.get(id);
    return (
      entry && {
        app: entry.app,
        readMsAgo: this.#clock() - entry.readAt,
        proven: this.#entries.isProven(entry),
      }
    );
  }

  /** Ids of the cached apps, oldest read first. */
  ids(): IterableIterator<string> {
    return this.#entries.ids();
  }

  /** Forgets the app of a change. Messages are authoritative for the current key: the index need not be asked. */
  apply(change: Invalidation): void {
    const isInUse = this.holds(change.appId) || this.#entries.isMissing(change.appId);
    this.drop(change.appId);
    this.#keys.apply(change, isInUse);
  }

  /** Forgets one app, and voids the read of it. */
  drop(id: string): void {
    if (this.#entries.delete(id)) this.stats.drops += 1;
    this.#loads.void(id);
  }

  /**
   * Nobody knows what was missed: every entry is read again before it is served, and reads under way are void. What is held
   * is what there is to serve when the table cannot be read.
   */
  flush(): void {
    this.#entries.doubt();
    this.#keys.flush();
    this.#loads.voidAll();
  }

  /** What was found missing leaves memory when its time is over, also when nobody asks any more. */
  sweep(): void {
    this.#entries.sweep();
    this.#keys.sweep();
  }

  /** It is cached, or about to be. */
  holds(id: string): boolean {
    return this.#entries.hasApp(id) || this.#loads.has(id);
  }

  /** However many reads it takes: a client waits for one budget, and no longer. A pause of the process ends a part of it. */
  async #findByUnprovenKey(key: string, onUnreadable?: OnUnreadable): Promise<A | null> {
    const limit = countdown(this.#limits.loadBudgetMs + GRACE_MS, late, PARTS);
    try {
      for (let indexAskedAt = Number.NEGATIVE_INFINITY; ;) {
        let id = this.#keys.idOf(key);
        // Once; but what it said before a pause of the process says nothing of now.
        if (id === undefined && this.#clock() - indexAskedAt > this.#limits.loadBudgetMs) {
          indexAskedAt = this.#clock();
          const found = await this.#resolve(key, onUnreadable);
          // A message that came meanwhile knows better than the index, which lags.
          id = this.#keys.idOf(key) ?? found;
          // Before the app is read: who comes meanwhile waits for that read, and does not ask the index again.
          if (id !== undefined) this.#keys.learn(key, id);
        }
        if (id === undefined) return null;
        const read = Promise.race([this.lookup(id), limit.over]);
        const app = await this.#orUnverified(id, read, onUnreadable);
        if (app?.key === key) return app;
        // Nothing could be read, so nothing is known of the key either: the index would not help.
        if (app === null && !this.#entries.isMissing(id)) return null;
        // It was that of the key before. A message may have given the key to another one meanwhile.
        this.#keys.forget(key, id);
      }
    } finally {
      limit.stop();
    }
  }

  #load(id: string): Promise<ReadApp<A>> {
    const read = async () => {
      for (;;) {
        const readAt = this.#clock();
        this.stats.loads += 1;
        const app = (await this.#source.loadById(id)) ?? null;
        // A process that was paused meanwhile has an answer in its hands that is as old as the pause.
        const inTime = this.#clock() - readAt <= this.#limits.loadBudgetMs;
        if (inTime || this.#entries.isRecent(readAt)) return { app, answer: Promise.resolve(app), readAt };
      }
    };
    // Messages may come faster than reads: connections that are open follow all the same, a step behind.
    const onOutdated = ({ app }: ReadApp<A>) => this.#options.onChanged(id, app);
    return this.#loads.share(id, read, (result) => this.#keep(id, result), onOutdated);
  }

  /** An entry that is only confirmed keeps its app object: connections are told apart by it. */
  #keep(id: string, read: ReadApp<A>): CacheEntry<A> {
    const before = this.#entries.getApp(id);
    const isConfirmed = before?.app && read.app && this.#options.isSame(before.app, read.app);
    const kept = this.#entries.set(id, isConfirmed ? { ...before, readAt: read.readAt } : read);
    if (before && !isConfirmed) this.#options.onChanged(id, kept.app);
    return kept;
  }

  /** Undefined also when the index could not be asked: that is reported, and not remembered. */
  async #resolve(key: string, onUnreadable?: OnUnreadable): Promise<string | undefined> {
    try {
      return await this.#keys.query(key);
    } catch (error) {
      this.#failed(`key ${key}`, error);
      onUnreadable?.(error);
      return undefined;
    }
  }

  /** A failed read is answered with what is still held of the app, if that was never invalidated and is not too old. */
  #orUnverified(id: string, lookup: Promise<A | null>, onUnreadable?: OnUnreadable): Promise<A | null> {
    return lookup.catch((error: unknown) => {
      this.#failed(`app ${id}`, error);
      const entry = this.#entries.getApp(id);
      if (!entry || this.#clock() - this.#entries.provenAt(entry) > this.#limits.maxStaleOnErrorMs) {
        onUnreadable?.(error);
        return null;
      }
      this.stats.staleServed += 1;
      return entry.app;
    });
  }

  #failed(what: string, error: unknown): void {
    this.stats.loadErrors += 1;
    this.#options.onLoadFailed(what, error);
  }
}
