import type { LogEntry } from "../protocol/live.ts";
import { type Change, decodeMessage } from "../protocol/message.ts";
import { formatMessageId } from "../protocol/message-id.ts";
import { plausibleLag } from "../protocol/plausible-lag.ts";

/** What the log says of one app, or of all, as people are shown it. Times in milliseconds since 1970. */
export interface LogRow {
  /** The message's id in the log; several rows may come from one message. */
  readonly message: string;
  /** When the pipeline was invoked; absent where the message does not tell. */
  readonly at?: number | undefined;
  /** When the table was written, as exact as the stream tells: the second on AWS. */
  readonly writtenAt?: number | undefined;
  /** Absent where all apps are meant. */
  readonly appId?: string | undefined;
  /** `unsupported` and `malformed`: nodes cannot read the message, and forget all apps. */
  readonly type: Change["type"] | "flush" | "unsupported" | "malformed";
  /** Changed paths, such as `limits.maxConnections`; absent where all apps are meant. */
  readonly changed?: readonly string[] | undefined;
  readonly app?: Change["app"] | undefined;
  /** Who has announced it; absent where the function tells of it. */
  readonly by?: string | undefined;
  /** Why all apps are forgotten; of what was announced, why it was done. */
  readonly reason?: string | undefined;
}

/** A row for each change of a message, in their order; one for anything else. Never throws. */
export function rowsOf({ id, json }: LogEntry): LogRow[] {
  const message = formatMessageId(id);
  const decoded = decodeMessage(json);
  switch (decoded.kind) {
    case "changes": {
      const { at, by, reason, changes } = decoded.message;
      return changes.map(({ appId, type, changed, writtenAt, app }) => ({
        message,
        at,
        writtenAt,
        appId,
        type,
        changed,
        app,
        by,
        reason,
      }));
    }
    case "flush": {
      const { at, flush, by } = decoded.message;
      return [{ message, at, type: "flush", reason: flush, by }];
    }
    case "unsupported":
      return [{ message, type: "unsupported", reason: `version ${decoded.version}` }];
    case "malformed":
      return [{ message, type: "malformed", reason: decoded.reason }];
  }
}

/** Milliseconds since the table was written, or the pipeline invoked; null where nothing tells, or clocks differ. */
export function ageOf({ at, writtenAt }: LogRow, now: number): number | null {
  const since = writtenAt ?? at;
  return since === undefined ? null : plausibleLag(now - since);
}
