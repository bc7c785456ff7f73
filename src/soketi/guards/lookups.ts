import type { Guards } from "./guards.ts";
import { Turns } from "./turns.ts";

/** Called with the reason why an app could not be read. */
type OnUnreadable = (error: unknown) => void;

/** Looks an app up: null if there is none. Calls `onUnreadable` if the table could not be read. */
export interface Lookups<A> {
  findById(id: string, onUnreadable?: OnUnreadable): Promise<A | null>;
  findByKey(key: string, onUnreadable?: OnUnreadable): Promise<A | null>;
}

/** Of the agent's cache. */
export interface CachedLookups<A> extends Lookups<A> {
  readonly stats: { readonly misses: number };
  /** What is held of an app; `app` null for "there is none". */
  inspect(id: string): { readonly app: A | null } | undefined;
}

const WHERE = "lookups";

/** DynamoDB's limit for a partition key, in bytes of UTF-8; an empty one it does not take either. */
const MAX_KEY_BYTES = 2_048;

const NO_APP: Promise<null> = Promise.resolve(null);

/**
 * Lookups of what no app can have as its id or key are answered at once: DynamoDB would refuse the question, and that
 * counts as a table that cannot be read. Anybody can ask it, with a URL.
 */
export function possibleOnly<A>(lookups: Lookups<A>, guards: Guards): Lookups<A> {
  const isPossible = (value: unknown) => {
    if (isPossibleKey(value)) return true;
    guards.caught(WHERE, "an impossible app id or key");
    return false;
  };
  return {
    findById: (id, onUnreadable) => (isPossible(id) ? lookups.findById(id, onUnreadable) : NO_APP),
    findByKey: (key, onUnreadable) => (isPossible(key) ? lookups.findByKey(key, onUnreadable) : NO_APP),
  };
}

/**
 * Requests and webhooks that have waited for the table go on a few in each turn of the event loop: while it cannot be read they
 * wait for seconds, and all that have waited for one read would go on together. What is cached is answered at once.
 */
export function missesInTurns<A>(cache: CachedLookups<A>): Lookups<A> {
  const turns = new Turns();
  const inTurn = async (id: string, found: Promise<A | null>, onUnreadable?: OnUnreadable) => {
    const app = await found;
    await turns.pass();
    // Meanwhile a message may have named the app.
    return app && cache.inspect(id)?.app !== app ? cache.findById(id, onUnreadable) : app;
  };
  return {
    findById(id, onUnreadable) {
      const { misses } = cache.stats;
      const found = cache.findById(id, onUnreadable);
      return cache.stats.misses === misses ? found : inTurn(id, found, onUnreadable);
    },
    findByKey: (key, onUnreadable) => cache.findByKey(key, onUnreadable),
  };
}

function isPossibleKey(value: unknown): value is string {
  if (typeof value !== "string" || value === "") return false;
  // A character has three bytes at most, a pair of surrogates four.
  return value.length * 3 <= MAX_KEY_BYTES || Buffer.byteLength(value) <= MAX_KEY_BYTES;
}
