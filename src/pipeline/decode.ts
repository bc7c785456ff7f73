import { normalize, type Normalized } from "../app/normalize.ts";
import { readAttribute } from "../app/read-attribute.ts";
import { MAX_HASH_KEY_BYTES } from "../protocol/message.ts";

/** One stream record, read: which app, and what it was before and is after the write. */
export interface StreamChange {
  readonly kind: "change";
  /** Empty when the record has none: then it cannot be reported as a failed item by itself. */
  readonly sequenceNumber: string;
  /** The stream that it is of; absent when the record does not say. */
  readonly streamArn?: string | undefined;
  /** From the record's keys: the table's hash key. */
  readonly appId: string;
  /** Absent when the item did not exist before, or when the stream does not carry old images. */
  readonly before?: Normalized | undefined;
  /** Absent when the item is gone, or when the stream does not carry new images. */
  readonly after?: Normalized | undefined;
  /** Whether the images that the event should have were there. When not, nothing is known about what changed. */
  readonly complete: boolean;
  /** Whether `before` is the item as it was before the write; absent when there was none. */
  readonly tellsBefore: boolean;
  /** Whether `after` is the item as it was after the write; absent when it was gone. An incomplete record may tell that too. */
  readonly tellsAfter: boolean;
  /** Milliseconds since 1970; on AWS exact to the second. */
  readonly writtenAt?: number | undefined;
}

/** A record that names no app. Nothing can be said about what changed. */
export interface UnreadableRecord {
  readonly kind: "unreadable";
  readonly sequenceNumber: string;
  /** What was expected and what was found; never an attribute's value. */
  readonly reason: string;
}

/**
 * Reads one record of a DynamoDB Streams event, as AWS sends it or as a local emulator does. Never throws.
 *
 * Differences that matter: AWS gives `ApproximateCreationDateTime` as epoch *seconds*, the offline plugin as an ISO
 * string or a Date; images are absent, not empty, where there is none.
 */
export function decodeRecord(record: unknown): StreamChange | UnreadableRecord {
  if (!isObject(record) || !isObject(record.dynamodb)) {
    return unreadable("", `expected a stream record with a dynamodb object, found ${kindOf(record)}`);
  }
  const { SequenceNumber, Keys, OldImage, NewImage, ApproximateCreationDateTime } = record.dynamodb;
  const sequenceNumber = typeof SequenceNumber === "string" ? SequenceNumber : "";
  const before = isObject(OldImage) ? normalize(OldImage) : undefined;
  const after = isObject(NewImage) ? normalize(NewImage) : undefined;
  // The keys go first: they are there whatever the stream's view type is.
  const key = readAttribute(Keys, "AppId");
  const appId = key.kind === "text" ? key.text : (after?.id ?? before?.id);
  if (appId === undefined) {
    const keys = isObject(Keys) ? Object.keys(Keys).join(", ") : kindOf(Keys);
    return unreadable(
      sequenceNumber,
      `expected Keys with a text AppId, found ${keys === "" ? "none" : keys}`,
    );
  }
  if (Buffer.byteLength(appId) > MAX_HASH_KEY_BYTES) {
    // A message with it would be unreadable to every receiver, with all the changes beside it.
    return unreadable(sequenceNumber, `expected an AppId of at most ${MAX_HASH_KEY_BYTES} bytes, found more`);
  }
  return {
    kind: "change",
    sequenceNumber,
    streamArn: typeof record.eventSourceARN === "string" ? record.eventSourceARN : undefined,
    appId,
    before,
    after,
    complete: isComplete(record.eventName, before, after),
    tellsBefore: record.eventName === "INSERT" || before !== undefined,
    tellsAfter: tellsAfter(record.eventName, after),
    writtenAt: millisecondsOf(ApproximateCreationDateTime),
  };
}

function isComplete(eventName: unknown, before?: Normalized, after?: Normalized): boolean {
  switch (eventName) {
    case "INSERT":
      return after !== undefined;
    case "MODIFY":
      return before !== undefined && after !== undefined;
    case "REMOVE":
      return before !== undefined;
    default:
      return false;
  }
}

function tellsAfter(eventName: unknown, after?: Normalized): boolean {
  if (eventName === "REMOVE") return true;
  return (eventName === "INSERT" || eventName === "MODIFY") && after !== undefined;
}

function millisecondsOf(value: unknown): number | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return Math.round(value * 1000);
  if (typeof value !== "string" && !(value instanceof Date)) return undefined;
  const time = new Date(value).getTime();
  return Number.isNaN(time) ? undefined : time;
}

function unreadable(sequenceNumber: string, reason: string): UnreadableRecord {
  return { kind: "unreadable", sequenceNumber, reason };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
