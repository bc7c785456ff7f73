import { types } from "node:util";
import type { FlushReason } from "../agent/flush-reasons.ts";
import type { Change, Invalidation } from "../protocol/message.ts";
import { kindOf } from "./kind-of.ts";

/**
 * What a follower is told. Nothing of it holds a secret. What a listener throws, or the promise that it gives rejects with, is
 * told to `onError`.
 */
export interface FollowEvents {
  /**
   * This app changed: forget it, and void reads of it that are under way. The same change may come twice. `whole` reads from the
   * log what changed and what the app is now; undefined when the log has it no more. Rejects with RedisError.
   */
  readonly onChange?: (change: Invalidation, whole: () => Promise<Change | undefined>) => void;
  /** Something may have been missed, or everything changed: forget all apps. Comes first when the log is first reached. */
  readonly onFlush?: (reason: FlushReason) => void;
  /** Whether it is proven from now on that nothing was missed. The loss is told up to a heartbeat late: see `fresh`. */
  readonly onLease?: (held: boolean) => void;
  /** Redis or the table failed. It goes on by itself; the lease runs out meanwhile. Without it: a warning of Node's. */
  readonly onError?: (error: unknown) => void;
}

export interface Listeners {
  /** Calls a listener. The agent goes on whatever that does. */
  notify<T extends readonly unknown[]>(listener: ((...values: T) => unknown) | undefined, ...values: T): void;
  failed(error: unknown): void;
}

/** Without `onError` a failure is a warning of Node's. One that throws itself ends the process, as in any event. */
export function guardListeners({ onError }: FollowEvents): Listeners {
  const failed = (error: unknown) => {
    if (!onError) {
      process.emitWarning(error instanceof Error ? error.message : String(error), "soketi-app-sync");
      return;
    }
    try {
      onError(error);
    } catch (thrown) {
      setImmediate(() => {
        throw thrown;
      });
    }
  };
  return {
    failed,
    notify(listener, ...values) {
      try {
        const outcome = listener?.(...values);
        // An async function is a listener as well: nobody else waits for what becomes of it.
        if (types.isPromise(outcome)) outcome.catch(failed);
      } catch (error) {
        failed(error);
      }
    },
  };
}

/** A listener that is none would be found when there is something to tell, and an `onError` that is none would end the process. */
export function listenerMistakes(options: unknown): string[] {
  return Object.entries(Object(options) as object)
    .filter(
      ([name, value]) =>
        /^on[A-Z]/.test(name) && !(value === undefined || value === null || typeof value === "function"),
    )
    .map(([name, value]) => `${name}: expected a function, found ${kindOf(value)}.`);
}
