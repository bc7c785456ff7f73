import { BoundedMap } from "./bounded-map.ts";
import { ExpiringMap } from "./expiring-map.ts";
import type { LeaseView } from "./lease.ts";
import type { AppIdentity, MonotonicClock } from "./ports.ts";

/** All entries that were read between two flushes. They share one object, so that a flush costs nothing for each of them. */
interface Era {
  /** Undefined while it lasts; then when its entries were last proven by a lease. */
  endedProvenAt: number | undefined;
}

/** What a consistent read said of one app id. */
export interface ReadApp<A> {
  /** The app, or that there is none. */
  readonly app: A | null;
  /** Handed out as it is on each hit: a hit allocates nothing. */
  readonly answer: Promise<A | null>;
  /** When the read that gave it was sent. */
  readonly readAt: number;
}

export interface CacheEntry<A> extends ReadApp<A> {
  readonly era: Era;
}

export interface CacheEntriesOptions {
  readonly clock: MonotonicClock;
  readonly lease: LeaseView;
  /** Without a lease: how old an entry may be served. Milliseconds. */
  readonly degradedTtlMs: number;
  /** Most apps. */
  readonly maxEntries: number;
}

/** How long it is remembered that an id has no app. Milliseconds. */
const MISSING_TTL_MS = 60_000;

/** Most memory for ids that have no app. */
const MAX_MISSING_BYTES = 4 * 2 ** 20;

/**
 * The entries of the app cache, and which of them may be served without asking the table.
 *
 * Invariant: an entry from before a flush is never proven again. Only a read, which makes a new entry, ends the doubt.
 */
export class CacheEntries<A extends AppIdentity> {
  readonly #clock: MonotonicClock;
  readonly #lease: LeaseView;
  readonly #degradedTtlMs: number;
  readonly #apps: BoundedMap<CacheEntry<A>>;
  /** Ids that have no app. Apart, so that a flood of made-up ids cannot push real apps out. */
  readonly #missing: ExpiringMap<CacheEntry<A>>;
  #era: Era = { endedProvenAt: undefined };

  constructor({ clock, lease, degradedTtlMs, maxEntries }: CacheEntriesOptions) {
    this.#clock = clock;
    this.#lease = lease;
    this.#degradedTtlMs = degradedTtlMs;
    this.#missing = new ExpiringMap({ clock, ttlMs: MISSING_TTL_MS, maxBytes: MAX_MISSING_BYTES });
    this.#apps = new BoundedMap(maxEntries);
  }

  /** Apps held, not counting the missing ones. */
  get size(): number {
    return this.#apps.size;
  }

  get missing(): number {
    return this.#missing.size;
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

  /** Of a read that no message or flush has overtaken. */
  set(id: string, read: ReadApp<A>): CacheEntry<A> {
    this.delete(id);
    const entry = { app: read.app, answer: read.answer, readAt: read.readAt, era: this.#era };
    if (entry.app) this.#apps.set(id, entry);
    else this.#missing.set(id, entry, entry.readAt);
    return entry;
  }

  /** @returns whether an app went; a missing one does not count. */
  delete(id: string): boolean {
    this.#missing.delete(id);
    return this.#apps.delete(id);
  }

  /** Has the missing ids leave whose time is over. */
  sweep(): void {
    this.#missing.sweep();
  }

  /** Nobody knows whether the entries are right. That an app is missing is forgotten: it would be no help to serve that. */
  doubt(): void {
    this.#missing.clear();
    this.#era.endedProvenAt = this.#lease.provenAt;
    this.#era = { endedProvenAt: undefined };
  }

  /** It may be served without asking the table. */
  isProven({ era, readAt }: CacheEntry<A>): boolean {
    return era === this.#era && this.isRecent(readAt);
  }

  /** The lease says that no message was missed, or what was read then is young enough to be served without one. */
  isRecent(readAt: number): boolean {
    const now = this.#clock();
    return now < this.#lease.until || now - readAt <= this.#degradedTtlMs;
  }

  /** When it was last known to be right: when it was read, or when a lease last proved that nothing was missed. */
  provenAt({ era, readAt }: CacheEntry<A>): number {
    return Math.max(readAt, era.endedProvenAt ?? this.#lease.provenAt);
  }
}
