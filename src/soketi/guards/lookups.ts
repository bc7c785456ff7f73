import { isHashKey } from "../../protocol/message.ts";
import type { Guards } from "./guards.ts";

/** Called with the reason why an app could not be read. */
type OnUnreadable = (error: unknown) => void;

/** Looks an app up: null if there is none. Calls `onUnreadable` if the table could not be read. */
export interface Lookups<A> {
  findById(id: string, onUnreadable?: OnUnreadable): Promise<A | null>;
  findByKey(key: string, onUnreadable?: OnUnreadable): Promise<A | null>;
}

const WHERE = "lookups";

const NO_APP: Promise<null> = Promise.resolve(null);

/**
 * Lookups of what no app can have as its id or key are answered at once: DynamoDB would refuse the question, and that
 * counts as a table that cannot be read. Anybody can ask it, with a URL.
 */
export function possibleOnly<A>(lookups: Lookups<A>, guards: Guards): Lookups<A> {
  const isPossible = (value: unknown) => {
    if (isHashKey(value)) return true;
    guards.caught(WHERE, "an impossible app id or key");
    return false;
  };
  return {
    findById: (id, onUnreadable) => (isPossible(id) ? lookups.findById(id, onUnreadable) : NO_APP),
    findByKey: (key, onUnreadable) => (isPossible(key) ? lookups.findByKey(key, onUnreadable) : NO_APP),
  };
}
