import { isObject } from "../json.ts";

/**
 * Deeper than any message or event is meant to be, and a tenth of what JSON.stringify can write, with which soketi
 * measures what it was sent: JSON.parse has no such limit.
 */
export const MAX_DEPTH = 512;

/** What nests deeper is at least this long: each level has two brackets. */
export const MIN_DEEP_LENGTH = 2 * MAX_DEPTH;

/** Whether a parsed JSON value nests too deeply for JSON.stringify. Looks at each level in turn, without recursion. */
export function isTooDeep(value: unknown): boolean {
  let level: object[] = isObject(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === MAX_DEPTH) return true;
    const next: object[] = [];
    for (const item of level) {
      for (const child of Array.isArray(item) ? (item as unknown[]) : Object.values(item)) {
        if (isObject(child)) next.push(child);
      }
    }
    level = next;
  }
  return false;
}
