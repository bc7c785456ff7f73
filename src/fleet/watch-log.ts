import { setTimeout as pause } from "node:timers/promises";
import type { Fleet } from "../redis/fleet.ts";
import { decodeMessage } from "../protocol/message.ts";
import type { MessageId } from "../protocol/message-id.ts";

/** Between two looks at the log. Milliseconds. */
const POLL_INTERVAL_MS = 20;

export interface LogWatch {
  /**
   * The id of the first message of the function's from now on that names the app, or of one that flushes all; undefined when
   * none comes in time. What somebody has announced says nothing about the function.
   *
   * @param started when the time began, on `performance.now()`.
   */
  messageOf(appId: string, started: number, limitMs: number): Promise<MessageId | undefined>;
}

/** Begins at the log's end: to be called before the change is made. */
export async function watchLog(fleet: Fleet): Promise<LogWatch> {
  let cursor = await fleet.tail();
  return {
    async messageOf(appId, started, limitMs) {
      for (;;) {
        for (const { id, json } of await fleet.messages(cursor)) {
          cursor = id;
          const decoded = decodeMessage(json);
          const names =
            decoded.kind !== "changes" ||
            (decoded.message.by === undefined &&
              decoded.message.changes.some((change) => change.appId === appId));
          if (names) return id;
        }
        if (performance.now() - started >= limitMs) return undefined;
        await pause(POLL_INTERVAL_MS);
      }
    },
  };
}
