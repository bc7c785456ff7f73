import type { MonotonicClock } from "./ports.ts";
import type { ReadPace } from "./read-pace.ts";
import { isThrottling } from "./throttling.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface RevalidatorOptions {
  readonly clock: MonotonicClock;
  readonly pace: ReadPace;
  /** Ids of the apps with open connections. */
  readonly appsInUse: () => readonly string[];
  readonly isLeaseHeld: () => boolean;
  /** Without a lease: an app in use is read again this often, if the pace allows. Milliseconds. */
  readonly roundEveryMs: number;
  /**
   * Gives the app, as it is in the table, to its connections. Rejects when it cannot be read.
   *
   * @param mustRead also when the cache holds it as proven.
   */
  readonly revalidate: (appId: string, mustRead: boolean) => Promise<void>;
}

/** While there is something to read, it is looked for this often. Milliseconds. */
const TICK_MS = 20;

/** Apps named by messages that are read in one second: a bulk write must not become thousands of reads at once. */
const URGENT_PER_SECOND = 1_000;

/** How often it is checked whether a round is due, or another try of what failed. Milliseconds. */
const CHECK_MS = 1_000;

/** What could not be read is tried again after this, at the pace. Milliseconds. */
const RETRY_MS = 1_000;

/** A read that takes longer is a sign of throttling: the source tries again by itself. Milliseconds. */
const SLOW_MS = 500;

/**
 * Decides when apps are read again that nobody is asking for: by their open connections they are in use.
 *
 * - An app that a message named: at once.
 * - After a flush, all apps in use: at the pace.
 * - Without a lease no message can be relied on: all apps in use, round after round, at the pace.
 * - What could not be read: again, at the pace.
 *
 * A read holds up no other, whatever becomes of it. Without a lease an app in use is read again within `boundMs`.
 */
export class Revalidator {
  readonly #options: RevalidatorOptions;
  readonly #urgent = new Set<string>();
  readonly #urgentBucket: TokenBucket;
  /** App id -> whether it must be read, although it may be cached. */
  readonly #paced = new Map<string, boolean>();
  readonly #inFlight = new Set<string>();
  /** App id -> when it is tried again, the next one first. */
  readonly #failed = new Map<string, number>();
  #inUse = 0;
  #roundBegunAt = Number.NEGATIVE_INFINITY;
  #tick: NodeJS.Timeout | undefined;
  #check: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: RevalidatorOptions) {
    this.#options = options;
    this.#urgentBucket = new TokenBucket({
      clock: options.clock,
      perSecond: () => URGENT_PER_SECOND,
      savedMs: TICK_MS,
    });
  }

  /** Apps with open connections, a second ago at most. */
  get appsInUse(): number {
    return this.#inUse;
  }

  /** After a flush, and again and again without a lease: each app in use has been read within this time. */
  get boundMs(): number {
    const { pace, roundEveryMs } = this.#options;
    return Math.max(roundEveryMs + CHECK_MS, (1000 * this.#inUse) / pace.perSecond);
  }

  start(): void {
    this.#check = setInterval(() => this.#onCheck(), CHECK_MS);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#check);
    clearTimeout(this.#tick);
    this.#urgent.clear();
    this.#paced.clear();
    this.#failed.clear();
  }

  /** A message named this app, or it is known to be wrong. */
  named(appId: string): void {
    this.#urgent.add(appId);
    this.#work();
  }

  /** Nobody knows which apps have changed. */
  doubtAll(): void {
    const appIds = this.#countedApps();
    // Nodes have their apps in much the same order, and should not all read the same ones first.
    const first = Math.floor(Math.random() * appIds.length);
    for (const appId of [...appIds.slice(first), ...appIds.slice(0, first)]) this.#addPaced(appId, false);
    this.#work();
  }

  /** It could not be read. Tried again as long as it has connections: nobody else asks for it then. */
  retryLater(appId: string): void {
    if (!this.#isStopped && !this.#failed.has(appId))
      this.#failed.set(appId, this.#options.clock() + RETRY_MS);
  }

  #countedApps(): readonly string[] {
    const appIds = this.#options.appsInUse();
    this.#inUse = appIds.length;
    return appIds;
  }

  #addPaced(appId: string, mustRead: boolean): void {
    this.#paced.set(appId, mustRead || this.#paced.get(appId) === true);
  }

  #onCheck(): void {
    const inUse = new Set(this.#countedApps());
    const now = this.#options.clock();
    for (const [appId, at] of this.#failed) {
      if (at > now) break;
      this.#failed.delete(appId);
      if (inUse.has(appId)) this.#addPaced(appId, false);
    }
    this.#beginRoundIfDue();
    this.#work();
  }

  #beginRoundIfDue(): void {
    const { clock, isLeaseHeld, roundEveryMs } = this.#options;
    if (isLeaseHeld() || this.#paced.size > 0 || clock() - this.#roundBegunAt < roundEveryMs) return;
    this.#roundBegunAt = clock();
    // Always in the same order: an app that comes late in one round must not come later still in the next.
    for (const appId of this.#countedApps()) this.#addPaced(appId, true);
  }

  #work(): void {
    if (this.#isStopped || this.#tick !== undefined) return;
    this.#begin();
    if (this.#urgent.size + this.#paced.size === 0) return;
    this.#tick = setTimeout(() => {
      this.#tick = undefined;
      this.#work();
    }, TICK_MS);
  }

  #begin(): void {
    const { pace, isLeaseHeld } = this.#options;
    for (const appId of first(this.#urgentBucket.take(this.#urgent.size), this.#urgent.keys())) {
      this.#urgent.delete(appId);
      this.#read(appId, false);
    }
    const next = first(pace.take(this.#paced.size), this.#paced.entries());
    for (const [appId, mustRead] of next) {
      this.#paced.delete(appId);
      // With a lease again, what is cached is proven, and what was missed has been replayed or is in doubt.
      this.#read(appId, mustRead && !isLeaseHeld());
    }
    // Without a pause between two rounds: `boundMs` has none.
    if (this.#paced.size === 0) this.#beginRoundIfDue();
  }

  /** Never rejects. One that is being read already gives what is asked for: a message would have voided it. */
  #read(appId: string, mustRead: boolean): void {
    if (this.#inFlight.has(appId)) return;
    const { clock, pace, revalidate } = this.#options;
    const begunAt = clock();
    this.#inFlight.add(appId);
    revalidate(appId, mustRead).then(
      () => {
        this.#inFlight.delete(appId);
        pace.finished(clock() - begunAt <= SLOW_MS);
      },
      (error: unknown) => {
        // Whoever read has reported it.
        this.#inFlight.delete(appId);
        if (isThrottling(error)) pace.throttled();
        else pace.finished(false);
        this.retryLater(appId);
      },
    );
  }
}

function first<T>(count: number, items: Iterable<T>): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= count) break;
    taken.push(item);
  }
  return taken;
}
