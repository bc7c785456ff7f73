import { isHashKey, isNote, MAX_HASH_KEY_BYTES, MAX_NOTE } from "../protocol/message.ts";
import { kindOf } from "./kind-of.ts";

/** Of a list of thousands with one mistake in each, so many are told. */
const MAX_TOLD = 10;

/**
 * What is wrong with an announcement, which comes from JavaScript as well as from TypeScript. One change that nodes cannot read
 * makes each of them flush, and one without an author would pass for the pipeline's. No value is shown: it may be anything.
 */
export function announcementMistakes(
  changes: unknown,
  { by, reason }: { readonly by?: unknown; readonly reason?: unknown },
): string[] {
  const ofNotes = [noteMistake("by", by), reason === undefined ? undefined : noteMistake("reason", reason)];
  return [...changesMistakes(changes), ...ofNotes.filter((mistake) => mistake !== undefined)];
}

function changesMistakes(changes: unknown): string[] {
  if (!Array.isArray(changes) || changes.length === 0) {
    const found = Array.isArray(changes) ? "an empty one" : kindOf(changes);
    return [`changes: expected a list of one change or more, found ${found}.`];
  }
  const mistakes: string[] = [];
  // Not `flatMap`: a list may have holes.
  for (let i = 0; i < changes.length; i += 1) mistakes.push(...changeMistakes(`changes[${i}]`, changes[i]));
  const more = mistakes.length - MAX_TOLD;
  return more > 0 ? [...mistakes.slice(0, MAX_TOLD), `changes: ${more} more mistakes like these.`] : mistakes;
}

function changeMistakes(place: string, change: unknown): string[] {
  if (typeof change !== "object" || change === null) {
    return [`${place}: expected an object with an appId, found ${kindOf(change)}.`];
  }
  const { appId, keys = [] } = change as { appId?: unknown; keys?: unknown };
  const ofKeys = Array.isArray(keys)
    ? Array.from(keys, (key: unknown, i) => hashKeyMistake(`${place}.keys[${i}]`, key))
    : [`${place}.keys: expected a list of keys, found ${kindOf(keys)}.`];
  return [hashKeyMistake(`${place}.appId`, appId), ...ofKeys].filter((mistake) => mistake !== undefined);
}

function hashKeyMistake(place: string, value: unknown): string | undefined {
  if (isHashKey(value)) return undefined;
  const found = typeof value === "string" ? `${Buffer.byteLength(value)} bytes` : kindOf(value);
  return `${place}: expected text of 1 to ${MAX_HASH_KEY_BYTES} bytes, found ${found}.`;
}

function noteMistake(name: string, value: unknown): string | undefined {
  if (isNote(value)) return undefined;
  const found = typeof value === "string" ? `${value.trim().length} characters` : kindOf(value);
  return `${name}: expected text of 1 to ${MAX_NOTE} characters, found ${found}.`;
}
