import { rowsOf } from "../../fleet/log-rows.ts";
import type { LogEntry } from "../../protocol/live.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { type Check, ok, warning } from "./check.ts";

const NAME = "clocks";

/** Two clocks may differ by this much before anything that is shown is wrong. Milliseconds. */
const TOLERANCE_MS = 1_000;

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
 * Whether all clocks agree with Redis'. Nothing that keeps an app right goes by them; lags and ages do.
 *
 * @param machine when this machine's clock was read, and what it said.
 * @param asked when the nodes answered.
 * @param last the log's last message, read at the end of `asked`.
 */
export function checkClocks(
  machine: { readonly at: number; readonly read: Bracket },
  nodes: readonly RegisteredNode[],
  asked: Bracket,
  last: LogEntry | undefined,
): Check[] {
  const skews = [
    { whose: "this machine's", ms: skewOf(machine.at, machine.read) },
    ...nodes.flatMap(({ entry: { host, pid }, answer }) =>
      answer?.at === undefined
        ? []
        : [{ whose: `that of node ${host} ${pid}`, ms: skewOf(answer.at, asked) }],
    ),
    ...functionSkew(last, asked.to),
  ].filter(({ ms }) => Math.abs(ms) > TOLERANCE_MS);
  if (skews.length === 0) return [ok(NAME, "this machine, the nodes and Redis agree")];
  return skews.map(({ whose, ms }) =>
    warning(
      NAME,
      `${whose} is ${(Math.abs(ms) / 1_000).toFixed(1)} s ${ms > 0 ? "ahead of" : "behind"} Redis'`,
      "Lags and ages are wrong by that much. Check NTP (chrony, systemd-timesyncd) there.",
    ),
  );
}

/** A message of the future shows that the function's clock is ahead; one from before its write, that it is behind. */
function functionSkew(last: LogEntry | undefined, now: number): { whose: string; ms: number }[] {
  const [row] = last ? rowsOf(last) : [];
  if (row?.at === undefined) return [];
  if (row.at > now) return [{ whose: "the function's", ms: row.at - now }];
  if (row.writtenAt !== undefined && row.at < row.writtenAt)
    return [{ whose: "the function's", ms: row.at - row.writtenAt }];
  return [];
}
