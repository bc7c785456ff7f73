import { encodeLiveChanges, encodeLiveFlush } from "./live.ts";
import { type Change, type ChangesMessage, type FlushMessage, PROTOCOL_VERSION } from "./message.ts";

/** Most changes in one message. */
export const MAX_CHANGES = 100;

/** With more changes at once than this, none has its view: nobody reads those, and they would fill the log. */
export const MAX_VIEWS = 25;

/** Most bytes of one message's JSON, except when a single change alone is larger without its view. */
export const MAX_BYTES = 64 * 1024;

/** A message, ready to be appended. */
export interface EncodedMessage {
  /** For the log: JSON with everything. */
  readonly whole: string;
  /** For the live channel: what a node needs. */
  readonly live: string;
}

/** Which table the changes are of, and when they were handled. */
export type MessageHeader = Omit<ChangesMessage, "v" | "changes">;

/**
 * Packs changes into as few messages as the limits allow, in order. A change whose view makes it larger than a
 * message may be goes without the view: receivers only need to know that it changed.
 */
export function encodeChanges(changes: readonly Change[], header: MessageHeader): EncodedMessage[] {
  const messages: EncodedMessage[] = [];
  const withViews = changes.length <= MAX_VIEWS;
  const head = JSON.stringify({ v: PROTOCOL_VERSION, ...header }).slice(0, -1) + ',"changes":[';
  const room = MAX_BYTES - Buffer.byteLength(head) - "]}".length;
  let packed: string[] = [];
  let bytes = 0;
  let first = 0;
  const close = (next: number) => {
    if (packed.length > 0) {
      const live = encodeLiveChanges(changes.slice(first, next), header.at);
      messages.push({ whole: `${head}${packed.join(",")}]}`, live });
    }
    packed = [];
    bytes = 0;
    first = next;
  };
  for (const [i, change] of changes.entries()) {
    const { json, bytes: length } = encodeChange(change, withViews ? room : 0);
    const size = length + 1;
    if (packed.length === MAX_CHANGES || bytes + size > room) close(i);
    packed.push(json);
    bytes += size;
  }
  close(changes.length);
  return messages;
}

/** @param room of a change with its view; 0: without. */
function encodeChange(change: Change, room: number): { json: string; bytes: number } {
  if (change.app !== undefined && room === 0) return encodeChange({ ...change, app: undefined }, room);
  const json = JSON.stringify(change);
  const bytes = Buffer.byteLength(json);
  if (change.app === undefined || bytes < room) return { json, bytes };
  return encodeChange(change, 0);
}

/** @param by who has asked for it; the pipeline itself where nobody has. */
export function encodeFlush(reason: string, at: number, by?: string): EncodedMessage {
  const whole = JSON.stringify({ v: PROTOCOL_VERSION, flush: reason, at, by } satisfies FlushMessage);
  return { whole, live: encodeLiveFlush(reason, at) };
}
