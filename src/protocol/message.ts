import type { PublicApp } from "../app/public-view.ts";

/** The version this code writes. A receiver that meets another one cannot know what it means, and flushes. */
export const PROTOCOL_VERSION = 1;

/** Longest `by` and `reason`, in characters: more of one is cut off by who reads it. */
export const MAX_NOTE = 500;

/** Longest app id, and longest app key, in bytes: DynamoDB's own limit for the hash key of a table, and of an index. */
export const MAX_HASH_KEY_BYTES = 2_048;

export type ChangeType = "created" | "updated" | "deleted";

/** One app changed: whoever holds it must forget it. What a node needs, and all that goes over the live channel. */
export interface Invalidation {
  readonly appId: string;
  readonly type: ChangeType;
  /** Every key the app had before or has now, the current one first. Empty when none could be read. */
  readonly keys: readonly string[];
  /** The key as it is now, which is then the first of `keys`. Absent when the app has none, or nobody knows. */
  readonly key?: string | undefined;
  /** When the table was written: milliseconds since 1970, as exact as the stream tells (on AWS: the second). */
  readonly writtenAt?: number | undefined;
}

/** An invalidation with what people read of it, as the log has it. */
export interface Change extends Invalidation {
  /** Dotted paths that differ, such as `limits.maxConnections`. Empty for created and deleted. */
  readonly changed: readonly string[];
  /** The app as it is now, without secrets. Absent when deleted, unusable, one of many at once, or too large to send. */
  readonly app?: PublicApp | undefined;
}

export interface ChangesMessage {
  readonly v: typeof PROTOCOL_VERSION;
  readonly table: string;
  readonly region?: string | undefined;
  /** When the pipeline was invoked for the batch: milliseconds since 1970 on its clock. */
  readonly at: number;
  /** Who announces the changes, as they say themselves. Absent in the pipeline's own messages. */
  readonly by?: string | undefined;
  /** Why, in their words. */
  readonly reason?: string | undefined;
  readonly changes: readonly Change[];
}

/** Forget everything. Sent when the pipeline cannot tell which apps changed. */
export interface FlushMessage {
  readonly v: typeof PROTOCOL_VERSION;
  readonly flush: string;
  readonly at?: number;
  /** Who has asked for it, as they say themselves. Absent in the pipeline's own messages. */
  readonly by?: string | undefined;
}

export type Decoded =
  | { readonly kind: "changes"; readonly message: ChangesMessage }
  | { readonly kind: "flush"; readonly message: FlushMessage }
  | { readonly kind: "unsupported"; readonly version: number }
  | { readonly kind: "malformed"; readonly reason: string };

/** Reads a message of the log. Never throws; fields it does not know are ignored, so that version 1 can grow. */
export function decodeMessage(json: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return malformed("expected JSON");
  }
  if (!isRecord(value)) return malformed("expected a JSON object");
  if (typeof value.v !== "number") return malformed("expected a number in v");
  if (value.v !== PROTOCOL_VERSION) return { kind: "unsupported", version: value.v };
  if (value.flush !== undefined) return decodeFlush(value);
  return decodeChanges(value);
}

function decodeFlush(value: Record<string, unknown>): Decoded {
  if (typeof value.flush !== "string") return malformed("expected text in flush");
  const at = typeof value.at === "number" ? { at: value.at } : {};
  return { kind: "flush", message: { v: PROTOCOL_VERSION, flush: value.flush, ...at, by: noteOf(value.by) } };
}

function decodeChanges(value: Record<string, unknown>): Decoded {
  const { table, region, at } = value;
  if (typeof table !== "string") return malformed("expected text in table");
  if (typeof at !== "number") return malformed("expected a number in at");
  if (!Array.isArray(value.changes)) return malformed("expected a list in changes");
  const changes: Change[] = [];
  for (const item of value.changes as unknown[]) {
    const change = decodeChange(item);
    if (!change) return malformed(`changes[${changes.length}]: expected an appId and a list of keys`);
    changes.push(change);
  }
  const from = typeof region === "string" ? region : undefined;
  const notes = { by: noteOf(value.by), reason: noteOf(value.reason) };
  return { kind: "changes", message: { v: PROTOCOL_VERSION, table, region: from, at, ...notes, changes } };
}

/** For people to read: what is no text says nothing, and spoils nothing. */
function noteOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, MAX_NOTE) : undefined;
}

/** One change that cannot be read spoils the message: its app is unknown, so only a flush is safe. */
function decodeChange(value: unknown): Change | undefined {
  if (!isRecord(value)) return undefined;
  const { appId, type, keys, key, changed, writtenAt } = value;
  if (!isHashKey(appId) || !isTextList(keys)) return undefined;
  const app = isView(value.app, appId) ? value.app : undefined;
  return {
    appId,
    // A type of a later minor version still means: forget it. "updated" promises nothing about its existence.
    type: type === "created" || type === "deleted" ? type : "updated",
    keys,
    // A view has it as well; before `key` was there, the view alone.
    key: isHashKey(key) ? key : app?.key,
    changed: isTextList(changed) ? changed : [],
    writtenAt: typeof writtenAt === "number" ? writtenAt : undefined,
    app,
  };
}

/** Whether an author, or a reason, reaches whoever reads the log, and in full. */
export function isNote(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "" && value.length <= MAX_NOTE;
}

/**
 * Whether DynamoDB would look it up. A read of an id that it refuses fails each time: whoever may publish could lead a
 * client's key to such an id, and have all of that app's clients sent away.
 */
export function isHashKey(value: unknown): value is string {
  if (typeof value !== "string" || value === "") return false;
  // A character has three bytes at most, a pair of surrogates four.
  return value.length * 3 <= MAX_HASH_KEY_BYTES || Buffer.byteLength(value) <= MAX_HASH_KEY_BYTES;
}

/** Only id and key of a view are acted on, so only they are checked; the rest is for people to read. */
function isView(value: unknown, appId: string): value is PublicApp {
  return isRecord(value) && value.id === appId && isHashKey(value.key);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(reason: string): Decoded {
  return { kind: "malformed", reason };
}
