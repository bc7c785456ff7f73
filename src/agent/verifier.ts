import type { AppCache } from "./app-cache.ts";
import type { AppIdentity, MonotonicClock } from "./ports.ts";

export interface VerifierOptions<A extends AppIdentity> {
  readonly cache: AppCache<A>;
  /** A consistent read that does not go through the cache. Undefined: there is no such app. Rejects on errors. */
  readonly read: (appId: string) => Promise<A | undefined>;
  readonly isSame: (left: A, right: A) => boolean;
  readonly clock: MonotonicClock;
  /** How long a message may still be on its way, after which a difference was a stale entry. Milliseconds. */
  readonly graceMs: number;
  /** Whether the cache is claimed to be fresh. While it is not, messages are missed, and the grace does not run. */
  readonly leaseHeld: () => boolean;
  /** A difference: the app was dropped, and its connections should be updated. */
  readonly onDifference: (appId: string) => void;
  /** No message explained a difference within the grace: the entry was stale. */
  readonly onStale: (appId: string) => void;
}

/**
 * Looks for what must not be: a cached app that is not what the table says. One app at a time, the longest read first,
 * so that every entry has its turn. Its two counters are the consistency figure in production.
 */
export class Verifier<A extends AppIdentity> {
  verified = 0;
  stale = 0;
  readonly #options: VerifierOptions<A>;
  /** Differences that a message may yet explain: app id -> when the grace ends. */
  readonly #suspects = new Map<string, number>();
  #queue: string[] = [];

  constructor(options: VerifierOptions<A>) {
    this.#options = options;
  }

  /** A message named the app: a difference seen before was that change on its way. */
  explained(appId: string): void {
    this.#suspects.delete(appId);
  }

  /** Everything was flushed: nothing that was suspected is held any more. */
  explainedAll(): void {
    this.#suspects.clear();
  }

  /** Verifies the next app. @throws what the read throws; the app then has its turn again later. */
  async step(): Promise<void> {
    this.#judge();
    const { cache, isSame } = this.#options;
    if (this.#queue.length === 0) this.#queue = [...cache.ids()].reverse();
    const id = this.#queue.pop();
    // What is in doubt is read again before it is served: that it differs would be no news.
    const cached = id === undefined ? undefined : provenIn(cache, id);
    if (id === undefined || !cached) return;
    const read = await this.#options.read(id);
    // Dropped, read anew or in doubt meanwhile: there is nothing left to compare.
    if (provenIn(cache, id) !== cached) return;
    this.verified += 1;
    if (read && isSame(read, cached)) return;
    cache.drop(id);
    this.#suspects.set(id, this.#options.clock() + this.#options.graceMs);
    this.#options.onDifference(id);
  }

  #judge(): void {
    const now = this.#options.clock();
    const { graceMs, leaseHeld } = this.#options;
    const isFresh = leaseHeld();
    for (const [id, until] of this.#suspects) {
      if (!isFresh) this.#suspects.set(id, now + graceMs);
      if (!isFresh || now < until) continue;
      this.#suspects.delete(id);
      this.stale += 1;
      this.#options.onStale(id);
    }
  }
}

/** What the cache would serve now. */
function provenIn<A extends AppIdentity>(cache: AppCache<A>, id: string): A | undefined {
  const held = cache.inspect(id);
  return held?.proven ? (held.app ?? undefined) : undefined;
}
