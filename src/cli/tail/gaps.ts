import { rowsOf } from "../../fleet/log-rows.ts";
import type { LogEntry } from "../../protocol/live.ts";
import { compareMessageIds, formatMessageId, type MessageId } from "../../protocol/message-id.ts";
import { amount } from "../support/amount.ts";

const STARTED_AGAIN = "the log was started again";

/**
 * What is missing before the first message of a read, in words: the log is trimmed, and may be deleted.
 *
 * @param oldest messages from then on were asked for, in milliseconds since 1970; 0 where it was not said by time.
 * @returns undefined where the read goes on where the last one ended, and where nobody asked for what was before it.
 */
export function gapBefore(
  first: LogEntry | undefined,
  cursor: MessageId | undefined,
  oldest: number,
): string | undefined {
  if (!first) return undefined;
  const { id } = first;
  if (cursor && id.epoch !== cursor.epoch) return STARTED_AGAIN;
  const missing = id.seq - (cursor?.seq ?? 0) - 1;
  if (missing <= 0) return undefined;
  const begins = `the log goes back to ${formatMessageId(id)} only`;
  if (cursor)
    return `${begins}: ${amount(missing, "message")} before it ${missing === 1 ? "is" : "are"} not shown`;
  const { at } = rowsOf(first)[0] ?? {};
  return oldest > 0 && at !== undefined && at > oldest
    ? `${begins}, of ${new Date(at).toISOString()}: what came before it is not shown`
    : undefined;
}

/**
 * What to say of a log that ends before what was read of it: it was restored, or failed over.
 *
 * @returns undefined for one that goes on.
 */
export function lossBefore(end: MessageId | undefined, cursor: MessageId | undefined): string | undefined {
  if (!end || !cursor || compareMessageIds(end, cursor) >= 0) return undefined;
  if (end.epoch !== cursor.epoch) return STARTED_AGAIN;
  return `the log ends at ${formatMessageId(end)}, before ${formatMessageId(cursor)}: it lost its end, and what came in its place may not be shown`;
}
