import { setTimeout as pause } from "node:timers/promises";
import type { Fleet } from "../redis/fleet.ts";
import { type Change, type Decoded, decodeMessage } from "../protocol/message.ts";
import { compareMessageIds, type MessageId } from "../protocol/message-id.ts";

/** Between two looks at the log, unless it is said otherwise. Milliseconds. */
const POLL_INTERVAL_MS = 20;

export interface LogWatch {
  /**
   * The id of the first message of the function's from now on that names the app, or of one that flushes all; undefined when
   * none comes in time. What somebody has announced says nothing about the function.
   *
   * @param started when the time began, on `performance.now()`.
   * @param key only a message that has this key of the app, the present one or a former: no flush, and no other write's.
   */
  messageOf(appId: string, started: number, limitMs: number, key?: string): Promise<MessageId | undefined>;
  /**
   * To be called when all of many apps are written: the id of the message with which the function has named each of them since
   * the watch began, or of one that flushes all from now on. A flush before the last write says nothing about what came after.
   */
  messageOfAll(appIds: Iterable<string>, started: number, limitMs: number): Promise<MessageId | undefined>;
}

/**
 * Begins at the log's end: to be called before the change is made.
 *
 * @param pollIntervalMs between two looks, in milliseconds. Default 20.
 */
export async function watchLog(
  fleet: Pick<Fleet, "tail" | "messages">,
  pollIntervalMs = POLL_INTERVAL_MS,
): Promise<LogWatch> {
  let cursor = await fleet.tail();

  /** The first message of the function's from now on that is wanted; undefined when none comes in time. */
  async function find(isWanted: IsWanted, started: number, limitMs: number): Promise<MessageId | undefined> {
    for (;;) {
      for (const { id, json } of await fleet.messages(cursor)) {
        cursor = id;
        const decoded = decodeMessage(json);
        if (!isAnnounced(decoded) && isWanted(decoded, id)) return id;
      }
      if (performance.now() - started >= limitMs) return undefined;
      await pause(pollIntervalMs);
    }
  }

  return {
    messageOf(appId, started, limitMs, key) {
      const isOfApp = (change: Change) =>
        change.appId === appId && (key === undefined || change.keys.includes(key));
      const isWanted: IsWanted = (decoded) =>
        decoded.kind === "changes" ? decoded.message.changes.some(isOfApp) : key === undefined;
      return find(isWanted, started, limitMs);
    },

    async messageOfAll(appIds, started, limitMs) {
      const missing = new Set(appIds);
      const written = await fleet.tail();
      const isWanted: IsWanted = (decoded, id) => {
        if (decoded.kind !== "changes") return !written || compareMessageIds(id, written) > 0;
        for (const { appId } of decoded.message.changes) missing.delete(appId);
        return missing.size === 0;
      };
      return find(isWanted, started, limitMs);
    },
  };
}

type IsWanted = (decoded: Decoded, id: MessageId) => boolean;

/** By somebody else than the function: nothing tells what that has done. */
function isAnnounced(decoded: Decoded): boolean {
  return (decoded.kind === "changes" || decoded.kind === "flush") && decoded.message.by !== undefined;
}
