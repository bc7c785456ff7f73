import type { LogEntry } from "../protocol/live.ts";
import { rowsOf } from "./log-rows.ts";

/** Within which time somebody's clock was read, by Redis' clock: milliseconds since 1970. */
export interface Bracket {
  readonly from: number;
  readonly to: number;
}

/** By how much a clock is ahead of Redis' at least, in milliseconds; behind when it is less than 0. */
export function skewOf(at: number, { from, to }: Bracket): number {
  if (at < from) return at - from;
  return at > to ? at - to : 0;
}

/**
 * The same of the function's clock, by the log's last message: one of the future shows that it is ahead, one from before its
 * write, that it is behind. 0 where nothing tells.
 *
 * @param now Redis' clock after the message was read, in milliseconds since 1970.
 */
export function functionSkew(last: LogEntry | undefined, now: number): number {
  const [row] = last ? rowsOf(last) : [];
  if (row?.at === undefined) return 0;
  if (row.at > now) return row.at - now;
  return row.writtenAt !== undefined && row.at < row.writtenAt ? row.at - row.writtenAt : 0;
}

/** `90.0 s ahead of Redis'`. */
export function skewInWords(ms: number): string {
  return `${(Math.abs(ms) / 1_000).toFixed(1)} s ${ms > 0 ? "ahead of" : "behind"} Redis'`;
}
