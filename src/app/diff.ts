import type { App } from "./app.ts";
import { equal, unequalNames } from "./equal.ts";
import type { Normalized } from "./normalize.ts";

/** What a write to the table means for those who run the app. */
export interface AppDiff {
  readonly appId: string;
  /**
   * "created": usable now, not before. "deleted": not usable now, be it removed or broken. "updated": otherwise.
   */
  readonly type: "created" | "updated" | "deleted";
  /** The key now, then the former one if it is another. Only readable keys. */
  readonly keys: readonly string[];
  /**
   * Sorted paths into {@link App}, such as "enabled", "limits.maxConnections", "webhooks". Only for "updated". "secret" stands
   * for the previous one as well.
   */
  readonly changed: readonly string[];
  /** The app as it is now. Absent when it is not usable. */
  readonly app?: App | undefined;
}

/**
 * The difference between two images of one item, or undefined when nothing of what soketi reads is different.
 *
 * Undefined stands for an absent image. In doubt there is a difference: from an item that was unusable to none is
 * "deleted", since a node without our normalizer may have run the app on soketi's defaults.
 */
export function diff(before: Normalized | undefined, after: Normalized | undefined): AppDiff | undefined {
  const appId = after?.id ?? before?.id;
  if (appId === undefined) return undefined;
  const keys = [...new Set([after?.key, before?.key])].filter((key) => key !== undefined);
  const app = after?.app;
  if (app === undefined) {
    const brokenAsBefore = before !== undefined && before.app === undefined && sameIdentity(before, after);
    return brokenAsBefore ? undefined : { appId, type: "deleted", keys, changed: [] };
  }
  if (before?.app === undefined) return { appId, type: "created", keys, changed: [], app };
  const changed = changedPaths(before.app, app);
  return changed.length === 0 ? undefined : { appId, type: "updated", keys, changed, app };
}

function sameIdentity(before: Normalized, after: Normalized | undefined): boolean {
  return after !== undefined && before.id === after.id && before.key === after.key;
}

function changedPaths(before: App, after: App): string[] {
  const { limits: limitsBefore, previousSecret: previousBefore, ...restBefore } = before;
  const { limits: limitsAfter, previousSecret: previousAfter, ...restAfter } = after;
  const changed = new Set(unequalNames(restBefore, restAfter));
  if (!equal(previousBefore, previousAfter)) changed.add("secret");
  for (const name of unequalNames(limitsBefore, limitsAfter)) changed.add(`limits.${name}`);
  return [...changed].sort();
}
