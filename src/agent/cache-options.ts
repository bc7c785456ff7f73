import type { LeaseView } from "./lease.ts";
import type { AppIdentity, AppSource, MonotonicClock } from "./ports.ts";

/** Counters since the start. Plain numbers, because one is written on every lookup. */
export interface CacheStats {
  hits: number;
  /** Lookups that had to wait for the table, or for somebody else's read of it. */
  misses: number;
  /** Reads of the table by id. */
  loads: number;
  loadErrors: number;
  /** Entries dropped because a message named their app. */
  drops: number;
  /** Entries that were served unverified, because the table could not be read. */
  staleServed: number;
}

/** Bounds of the cache. Times in milliseconds, counted from when a read was sent unless something else is said. */
export interface CacheLimits {
  /** Without a lease: how old an entry may be served. */
  readonly degradedTtlMs: number;
  /**
   * While the table cannot be read: for how long after it was read, or last proven by a lease, an entry may be served that
   * no message named.
   */
  readonly maxStaleOnErrorMs: number;
  /**
   * A read takes no longer than this, unless the process was paused meanwhile; and one that messages void again and again
   * is made again for no longer than this.
   */
  readonly loadBudgetMs: number;
  /** How long a key is believed unknown. Short, because the index by key lags behind the table. */
  readonly missingKeyTtlMs: number;
  /** Most apps, and most keys of apps. */
  readonly maxEntries: number;
}

export interface AppCacheOptions<A extends AppIdentity> {
  readonly source: AppSource<A>;
  readonly clock: MonotonicClock;
  readonly lease: LeaseView;
  readonly limits: CacheLimits;
  /** Whether two reads gave the same app. */
  readonly isSame: (left: A, right: A) => boolean;
  /** A read brought another app than the entry it replaces, without a message: after a flush, or without a lease. */
  readonly onChanged: (id: string, app: A | null) => void;
  /** The table could not be read. `what` names the app id or key. */
  readonly onLoadFailed: (what: string, error: unknown) => void;
}
