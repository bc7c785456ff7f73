import { BoundedMap } from "./bounded-map.ts";
import type { LeaseView } from "./lease.ts";
import type { AppIdentity, MonotonicClock } from "./ports.ts";

/** What a consistent read said of one app id: the app, or that there is none. */
export interface CacheEntry<A> {
  readonly app: A | null;
  /** Handed out as it is on each hit: a hit allocates nothing. */
  readonly answer: Promise<A | null>;
  /** When the read that gave it was sent. */
  readonly readAt: number;
}

export interface CacheEntriesOptions {
  readonly clock: MonotonicClock;
  readonly lease: LeaseView;
  /** Without a lease: how old an entry may be served. Milliseconds. */
  readonly degradedTtlMs: number;
  /** Most apps, and most missing ids. */
  readonly maxEntries: number;
  /** An app had to make room for another. */
  readonly onEvicted: (app: AppIdentity) => void;
}

/** The entries of the app cache, and which of them may be served without asking the table. */
export class CacheEntries<A extends AppIdentity> {
  readonly #clock: MonotonicClock;
  readonly #lease: LeaseView;
  readonly #degradedTtlMs: number;
  readonly #apps: BoundedMap<CacheEntry<A>>;
  /** Ids that have no app. Apart, so that a flood of made-up ids cannot push real apps out. */
  readonly #missing: BoundedMap<CacheEntry<A>>;

  constructor({ clock, lease, degradedTtlMs, maxEntries, onEvicted }: CacheEntriesOptions) {
    this.#clock = clock;
    this.#lease = lease;
    this.#degradedTtlMs = degradedTtlMs;
    this.#missing = new BoundedMap(maxEntries);
    this.#apps = new BoundedMap(maxEntries, (_, { app }) => {
      if (app) onEvicted(app);
    });
  }

  /** Apps held, not counting the missing ones. */
  get size(): number {
    return this.#apps.size;
  }

  get(id: string): CacheEntry<A> | undefined {
    return this.#apps.get(id) ?? this.#missing.get(id);
  }

  /** As `get`, but for a missing one. */
  getApp(id: string): CacheEntry<A> | undefined {
    return this.#apps.get(id);
  }

  hasApp(id: string): boolean {
    return this.#apps.has(id);
  }

  isMissing(id: string): boolean {
    return this.#missing.has(id);
  }

  /** Ids of the cached apps, oldest read first. */
  ids(): IterableIterator<string> {
    return this.#apps.keys();
  }

  set(id: string, entry: CacheEntry<A>): void {
    this.delete(id);
    (entry.app ? this.#apps : this.#missing).set(id, entry);
  }

  /** @returns whether an app went; a missing one does not count. */
  delete(id: string): boolean {
    this.#missing.delete(id);
    return this.#apps.delete(id);
  }

  clear(): void {
    this.#apps.clear();
    this.#missing.clear();
  }

  /** The lease says that no message was missed, or the entry is young enough to be served without one. */
  isProven({ readAt }: Pick<CacheEntry<A>, "readAt">): boolean {
    const now = this.#clock();
    return now < this.#lease.until || now - readAt <= this.#degradedTtlMs;
  }
}
