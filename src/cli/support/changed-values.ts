import { type PublicApp, valueAt } from "../../app/public-view.ts";

/** Changed paths, each with its present value where that may be shown: of a secret only that it changed. */
export function changedValues(changed: readonly string[], app: PublicApp | undefined): string[] {
  return changed.map((path) => {
    const value = valueAt(app, path);
    return value === undefined ? path : `${path}=${JSON.stringify(value)}`;
  });
}
