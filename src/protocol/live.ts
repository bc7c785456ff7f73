import { type MessageId, parseMessageId } from "./message-id.ts";
import {
  type ChangesMessage,
  decodeMessage,
  type FlushMessage,
  type Invalidation,
  isHashKey,
  PROTOCOL_VERSION,
} from "./message.ts";

/** One message of the log with its place, from the live channel or read back from the log. */
export interface LogEntry {
  readonly id: MessageId;
  /** Thin from the live channel, whole from the log: `decodeInvalidations` reads either. */
  readonly json: string;
}

/** Reads `<id> <json>`; undefined when there is no readable id in front. The JSON is not looked at. */
export function parseLive(payload: string): LogEntry | undefined {
  const space = payload.indexOf(" ");
  const id = parseMessageId(space < 0 ? payload : payload.slice(0, space));
  return id && space > 0 ? { id, json: payload.slice(space + 1) } : undefined;
}

/** What a node does about a message, thin or whole. */
export type Action =
  | { readonly kind: "changes"; readonly message: Invalidations }
  | { readonly kind: "flush"; readonly message: FlushMessage }
  | { readonly kind: "unsupported"; readonly version: number }
  | { readonly kind: "malformed"; readonly reason: string };

export interface Invalidations extends Pick<ChangesMessage, "at"> {
  readonly changes: readonly Invalidation[];
}

/** What stands for a type. One that is not known means `updated`, as in the log. */
const LETTERS = { created: "c", updated: "u", deleted: "d" } as const;

/** `[1, at, [[type, app id, [key now or null, former key…], milliseconds from the write to at]…]]` */
export function encodeLiveChanges(changes: readonly Invalidation[], at: number): string {
  const thin = changes.map(({ appId, type, keys, key, writtenAt }) => {
    const own =
      keys.length === 0 && key === undefined ? [] : [key ?? null, ...keys.filter((one) => one !== key)];
    return writtenAt === undefined
      ? [LETTERS[type], appId, own]
      : [LETTERS[type], appId, own, at - writtenAt];
  });
  return JSON.stringify([PROTOCOL_VERSION, at, thin]);
}

/** `[1, at, reason]` */
export function encodeLiveFlush(reason: string, at: number): string {
  return JSON.stringify([PROTOCOL_VERSION, at, reason]);
}

/**
 * Reads a message as it comes over the live channel, or, from a pipeline that publishes the whole one, and from the log, as an
 * object. Never throws. What follows in a list after what is known is ignored, so that version 1 can grow.
 */
export function decodeInvalidations(json: string): Action {
  if (!json.startsWith("[")) return decodeMessage(json);
  let value: unknown[];
  try {
    value = JSON.parse(json) as unknown[];
  } catch {
    return malformed("expected JSON");
  }
  const [version, at, what] = value;
  if (typeof version !== "number") return malformed("expected a number first");
  if (version !== PROTOCOL_VERSION) return { kind: "unsupported", version };
  if (typeof at !== "number") return malformed("expected a number second");
  if (typeof what === "string") return { kind: "flush", message: { v: PROTOCOL_VERSION, flush: what, at } };
  if (!Array.isArray(what)) return malformed("expected text or a list third");
  const changes: Invalidation[] = [];
  for (const item of what as unknown[]) {
    const change = decodeChange(item, at);
    if (!change) return malformed(`change ${changes.length}: expected a type, an app id and a list of keys`);
    changes.push(change);
  }
  return { kind: "changes", message: { at, changes } };
}

/** One that cannot be read spoils the message: its app is unknown, so only a flush is safe. */
function decodeChange(value: unknown, at: number): Invalidation | undefined {
  if (!Array.isArray(value)) return undefined;
  const [letter, appId, own, age] = value as unknown[];
  if (!isHashKey(appId) || !Array.isArray(own)) return undefined;
  const [current, ...former] = own as unknown[];
  if (!former.every((key) => typeof key === "string")) return undefined;
  if (typeof current !== "string" && current !== null && own.length > 0) return undefined;
  return {
    appId,
    type: letter === "c" ? "created" : letter === "d" ? "deleted" : "updated",
    keys: typeof current === "string" ? [current, ...former] : former,
    key: isHashKey(current) ? current : undefined,
    writtenAt: typeof age === "number" ? at - age : undefined,
  };
}

function malformed(reason: string): Action {
  return { kind: "malformed", reason };
}
