import { rowsOf } from "../../fleet/log-rows.ts";
import type { LogEntry } from "../../protocol/live.ts";
import type { MessageId } from "../../protocol/message-id.ts";
import type { Fleet } from "../../redis/fleet.ts";

/** The last that is the function's own: what is announced has the time of who announces it. */
export function lastOfFunction(messages: readonly LogEntry[]): LogEntry | undefined {
  return [...messages].reverse().find((message) => rowsOf(message)[0]?.by === undefined);
}

/** Messages of one read of the log: as many as `Fleet.messages` gives. */
const PAGE = 1_000;

export const HOUR_MS = 3_600_000;

/**
 * The log's messages of the last hour, the oldest first, with some of before: page by page from its end, as far as the log goes.
 * However much was written since, a flush among them is seen. Rejects with RedisError.
 *
 * @param now Redis' clock, in milliseconds since 1970.
 */
export async function messagesOfLastHour(
  fleet: Pick<Fleet, "messages">,
  tail: MessageId | undefined,
  now: number,
): Promise<readonly LogEntry[]> {
  if (!tail) return [];
  const pages: LogEntry[][] = [];
  for (let end = tail.seq; end > 0; end -= PAGE) {
    const begin = Math.max(0, end - PAGE);
    const last = pages.length === 0 ? Number.POSITIVE_INFINITY : end;
    const page = (await fleet.messages({ ...tail, seq: begin })).filter(({ id }) => id.seq <= last);
    pages.unshift(page);
    const [first] = page;
    // What was trimmed is not there any more.
    if (!first || first.id.seq > begin + 1) break;
    if (now - (rowsOf(first)[0]?.at ?? now) >= HOUR_MS) break;
  }
  return pages.flat();
}
