import { type MessageId, parseMessageId } from "./message-id.ts";

/** One message of the log with its place, from the live channel or read back from the log. */
export interface LogEntry {
  readonly id: MessageId;
  readonly json: string;
}

/** Reads `<id> <json>`; undefined when there is no readable id in front. The JSON is not looked at. */
export function parseLive(payload: string): LogEntry | undefined {
  const space = payload.indexOf(" ");
  const id = parseMessageId(space < 0 ? payload : payload.slice(0, space));
  return id && space > 0 ? { id, json: payload.slice(space + 1) } : undefined;
}
