import type { App } from "./app.ts";
import { timeOf } from "./iso-time.ts";
import { type Normalized, normalize } from "./normalize.ts";
import { END_OF_OVERLAP } from "./normalize-overlap.ts";
import { type AttributeWrite, REPAIR_CODES, repairsOf } from "./repair.ts";

/** One thing that is wrong with an item. */
export interface ItemFinding {
  readonly severity: "error" | "warning";
  readonly attribute: string;
  readonly code: string;
  readonly message: string;
  /** Whether it can be rewritten without changing what the item means. */
  readonly fixable: boolean;
}

export interface CheckedItem {
  readonly normalized: Normalized;
  /** None changes what nodes do with the app. */
  readonly repairs: readonly AttributeWrite[];
  readonly findings: readonly ItemFinding[];
}

/**
 * An overlap is removed only when it has been over for so long: it still runs on a node whose clock is behind this one. AWS
 * refuses requests by a clock that is off by more. Milliseconds.
 */
const CLOCK_MARGIN_MS = 300_000;

/**
 * What is wrong with one item by itself; what two items disagree about is `TableCheck`'s.
 *
 * @param now milliseconds since 1970: overlaps end by the clock.
 */
export function checkItem(item: Readonly<Record<string, unknown>>, now: number): CheckedItem {
  const normalized = normalize(item);
  const { problems, app } = normalized;
  const repairs = repairsOf(item);
  const overlap = app && overlapOver(app, now);
  const repaired = new Set(repairs.map(({ attribute }) => attribute));
  const findings: ItemFinding[] = [
    ...problems.map((problem) => ({ ...problem, fixable: repaired.has(problem.attribute) })),
    ...repairs.map(({ attribute, code }) => ({
      severity: "warning" as const,
      attribute,
      code,
      message: REPAIR_CODES[code],
      fixable: true,
    })),
    ...(overlap ? [overlap.finding] : []),
  ];
  return { normalized, repairs: [...repairs, ...(overlap?.removal ?? [])], findings };
}

/** Every node refuses it, and a secret that may have leaked still stands in the table. */
function overlapOver(
  { id, previousSecret }: App,
  now: number,
): { readonly finding: ItemFinding; readonly removal: readonly AttributeWrite[] } | undefined {
  if (!previousSecret) return undefined;
  const overForMs = now - previousSecret.until * 1_000;
  if (overForMs < 0) return undefined;
  const fixable = overForMs >= CLOCK_MARGIN_MS;
  const message = `The overlap ended at ${timeOf(previousSecret.until)}. Remove it: apps end-overlap ${id}.`;
  return {
    finding: { severity: "warning", attribute: "AppSecretPrevious", code: "overlap-over", message, fixable },
    removal: fixable
      ? Object.entries(END_OF_OVERLAP).map(([attribute, value]) => ({ attribute, value }))
      : [],
  };
}
