import type { App } from "./app.ts";
import { timeOf } from "./iso-time.ts";
import { type Normalized, normalize } from "./normalize.ts";
import { type Repair, REPAIR_CODES, repairsOf } from "./repair.ts";

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
  readonly repairs: readonly Repair[];
  readonly findings: readonly ItemFinding[];
}

/** All that one item shows by itself; what is between two is `TableCheck`'s. @param now milliseconds since 1970: overlaps end by the clock. */
export function checkItem(item: Readonly<Record<string, unknown>>, now: number): CheckedItem {
  const normalized = normalize(item);
  const { problems, app } = normalized;
  const repairs = repairsOf(item);
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
    ...(app ? overlapOver(app, now) : []),
  ];
  return { normalized, repairs, findings };
}

/** It is refused by all nodes, and a secret that may have leaked still stands in the table. */
function overlapOver({ id, previousSecret }: App, now: number): ItemFinding[] {
  if (!previousSecret || now < previousSecret.until * 1_000) return [];
  const message = `The overlap ended at ${timeOf(previousSecret.until)}. Remove it: apps end-overlap ${id}.`;
  return [
    { severity: "warning", attribute: "AppSecretPrevious", code: "overlap-over", message, fixable: false },
  ];
}
