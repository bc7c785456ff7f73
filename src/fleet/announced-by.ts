import type { LogRow } from "./log-rows.ts";

/** Who has announced a change, and why, in one piece; undefined of the function's own messages. */
export function announcedBy({ by, reason }: Pick<LogRow, "by" | "reason">): string | undefined {
  if (by === undefined) return undefined;
  return reason === undefined ? `by ${by}` : `by ${by}: ${reason}`;
}
