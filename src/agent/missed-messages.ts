import type { LogEntry } from "../protocol/live.ts";
import type { MessageId } from "../protocol/message-id.ts";
import type { FlushReason } from "./flush-reasons.ts";
import type { Bus, Tail } from "./ports.ts";

/** How far the log was applied, and on which server. */
export interface Position {
  readonly cursor: MessageId | undefined;
  readonly server: string | undefined;
}

/**
 * What lies between a position and the log's end: all of it, without a hole, or the reason why it cannot be known. Then
 * everything that is cached must be flushed.
 *
 * @throws what the bus throws.
 */
export async function readMissed(
  bus: Pick<Bus, "read">,
  { cursor, server }: Position,
  tail: Tail,
): Promise<readonly LogEntry[] | FlushReason> {
  const { last } = tail;
  if (tail.server !== server) return "server-changed";
  if (!cursor && !last) return [];
  if (!cursor || cursor.epoch !== last?.epoch) return "new-epoch";
  if (cursor.seq > last.seq) return "sequence-backwards";
  if (cursor.seq === last.seq) return [];
  const entries = await bus.read(cursor, last);
  return entries.every(({ id }, i) => id.epoch === cursor.epoch && id.seq === cursor.seq + 1 + i) &&
    entries.length === last.seq - cursor.seq
    ? entries
    : "log-trimmed";
}

/**
 * Whether a tail shows that nothing was missed. The cursor may be past it by what came live since it was asked for, but a
 * tail behind where the cursor was *then* is a log that lost its end.
 */
export function isUpToDate(
  { cursor, server }: Position,
  tail: Tail,
  cursorThen: MessageId | undefined,
): boolean {
  const { last } = tail;
  if (tail.server !== server || last?.epoch !== cursor?.epoch) return false;
  return !last || !cursor || (last.seq <= cursor.seq && last.seq >= (cursorThen?.seq ?? 0));
}
