import { announcedBy } from "../../fleet/announced-by.ts";
import { rowsOf } from "../../fleet/log-rows.ts";
import type { LogEntry } from "../../protocol/live.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { ago } from "../support/ago.ts";
import { amount } from "../support/amount.ts";
import { answeringOf, NO_ANSWER } from "./answering.ts";
import { type Check, ok, unseen, warning } from "./check.ts";
import { HOUR_MS } from "./last-hour.ts";

const NAME = "flushes";

/** What a node does by itself, and why somebody should know. `first-sync` is its start, `requested` is in the log. */
const REASONS: Readonly<Record<string, string>> = {
  "new-epoch":
    "The log was deleted and started again: find out who may do that (ACL LOG). " +
    "Or another deployment on this server has the same prefix, if only in another database.",
  "sequence-backwards": "The log lost its end: Redis was restored, or failed over without its last writes.",
  "log-trimmed": "The node was away for longer than the log covers: raise APP_SYNC_LOG_LENGTH.",
  "server-changed": "Redis was restarted or replaced. Normal once, but not repeatedly.",
  "unreadable-message":
    "Something else writes to the log or publishes: docs/reference/redis-users.md lists the rights.",
};

/**
 * Flushes of the last hour: those that somebody has asked for, and those that nodes came to by themselves.
 *
 * @param messages the log's, of the last hour at least.
 * @param now Redis' clock, in milliseconds since 1970.
 */
export function checkFlushes(
  messages: readonly LogEntry[],
  nodes: readonly RegisteredNode[],
  now: number,
): Check[] {
  const requested = messages
    .flatMap(rowsOf)
    .filter(
      ({ type, at }) =>
        type !== "created" && type !== "updated" && type !== "deleted" && now - (at ?? now) < HOUR_MS,
    );
  const checks: Check[] = [];
  const last = requested.at(-1);
  if (last) {
    checks.push(
      warning(
        NAME,
        `${amount(requested.length, "flush", "flushes")} in the log within an hour, the last: ${announcedBy(last) ?? last.reason ?? last.type}`,
        "Each costs a read of every app in use. Normal after an operator's request, or a redrive whose records were lost.",
      ),
    );
  }
  for (const [reason, advice] of Object.entries(REASONS)) {
    const those = nodes.flatMap(({ answer }) => {
      const newest = (answer?.flushes ?? []).filter(([why, ms]) => why === reason && ms < HOUR_MS).at(-1);
      return newest ? [newest[1]] : [];
    });
    if (those.length === 0) continue;
    const found = `${amount(those.length, "node")} flushed (${reason}), the last ${ago(Math.min(...those))}`;
    checks.push(warning(NAME, found, advice));
  }
  if (checks.length > 0) return checks;
  const { isNone, inWords } = answeringOf(nodes);
  if (isNone) return [unseen(NAME, `none in the log within an hour; ${NO_ANSWER}`)];
  return [ok(NAME, `none within an hour${inWords}`)];
}
