import { setTimeout as pause } from "node:timers/promises";
import type { Fleet } from "../redis/fleet.ts";
import { decodeMessage } from "../protocol/message.ts";
import { compareMessageIds, type MessageId } from "../protocol/message-id.ts";

/** Between two looks at the log. Milliseconds. */
const POLL_INTERVAL_MS = 20;

export interface LogWatch {
  /**
   * To be called when all is written: the id of the message with which the function has named each of these apps since the
   * watch began, or of one that flushes all from now on; undefined when it does not come in time. What somebody has announced
   * says nothing about the function, and a flush before the last write nothing about what came after it.
   *
   * @param started when the time began, on `performance.now()`.
   */
  messageOf(appIds: Iterable<string>, started: number, limitMs: number): Promise<MessageId | undefined>;
}

/** Begins at the log's end: to be called before the change is made. */
export async function watchLog(fleet: Pick<Fleet, "tail" | "messages">): Promise<LogWatch> {
  let cursor = await fleet.tail();
  return {
    async messageOf(appIds, started, limitMs) {
      const missing = new Set(appIds);
      const written = await fleet.tail();
      for (;;) {
        for (const { id, json } of await fleet.messages(cursor)) {
          cursor = id;
          const decoded = decodeMessage(json);
          if (decoded.kind !== "changes") {
            if (!written || compareMessageIds(id, written) > 0) return id;
          } else if (decoded.message.by === undefined) {
            for (const { appId } of decoded.message.changes) missing.delete(appId);
            if (missing.size === 0) return id;
          }
        }
        if (performance.now() - started >= limitMs) return undefined;
        await pause(POLL_INTERVAL_MS);
      }
    },
  };
}
