import { lossyTextOf, own, textOf, typeOf } from "./attribute.ts";
import type { AttributeType, TextType } from "./attribute.ts";

/** What stands in an attribute. Lists hold plain data; an element that can't be read is undefined in them. */
export type Reading =
  | { readonly kind: "absent" }
  | { readonly kind: "text"; readonly type: TextType; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "list"; readonly items: readonly unknown[] }
  | {
      readonly kind: "unreadable";
      readonly type: AttributeType | "nothing known";
      /** The text of bytes that are not UTF-8, with a U+FFFD in the place of each that is not. */
      readonly lossyText?: string | undefined;
    };

/** DynamoDB's own limit for nesting. Also what keeps every later walk over the data off the end of the stack. */
export const MAX_DEPTH = 32;
/** More values than an item of 400 KB can hold. A small cyclic or shared structure can unfold to more. */
const MAX_VALUES = 400_000;

const SETS: Partial<Record<AttributeType, TextType>> = { SS: "S", NS: "N", BS: "B" };
const ABSENT: Reading = { kind: "absent" };

/** The attribute `name`. Never throws. An empty text or `NULL: true` is absent. */
export function readAttribute(attributes: unknown, name: string): Reading {
  try {
    const value = own(attributes, name);
    return value === undefined ? ABSENT : readValue(value);
  } catch {
    return { kind: "unreadable", type: "nothing known" };
  }
}

function readValue(value: unknown): Reading {
  const type = typeOf(value);
  if (type === undefined) return { kind: "unreadable", type: "nothing known" };
  const content = own(value, type);
  if (type === "NULL" && content === true) return ABSENT;
  if (type === "BOOL" && typeof content === "boolean") return { kind: "boolean", value: content };
  if (type === "S" || type === "N" || type === "B") {
    const text = type === "B" ? textOf(content) : content;
    if (typeof text === "string") return text === "" ? ABSENT : { kind: "text", type, text };
    if (type === "B") return { kind: "unreadable", type, lossyText: lossyTextOf(content) };
  }
  if (type === "L" && Array.isArray(content)) return { kind: "list", items: readItems(content) };
  return { kind: "unreadable", type };
}

/*
 * Lists are converted here and not by `convertToNative` of `@aws-sdk/util-dynamodb`: that takes B only as Uint8Array,
 * throws on some numbers, makes Sets, loses a string named `__proto__`, recurses without a bound, and would have to
 * be bundled into the agent for Node 16.
 */

/** The elements of a list as plain data. One that can't be read does not stop the others. */
function readItems(list: readonly unknown[]): unknown[] {
  const room = { left: MAX_VALUES };
  if (list.length > room.left) throw new RangeError("more values than an item can hold");
  return Array.from(list, (element) => {
    try {
      return toPlain(element, room, 1);
    } catch {
      return undefined;
    }
  });
}

/**
 * An attribute value as JSON would have it. B is text, as everywhere in an item, though here also when some of it is not
 * UTF-8: bytes in a field that nobody reads are no reason to drop a webhook. Sets are arrays; a number is
 * what a double holds of it, as in JSON. Throws on whatever is not an attribute value.
 */
function toPlain(value: unknown, room: { left: number }, depth: number): unknown {
  room.left -= 1;
  if (depth > MAX_DEPTH || room.left < 0) throw new RangeError("nested too deeply, or too large");
  const type = typeOf(value);
  const content = type === undefined ? undefined : own(value, type);
  if (type === "S" && typeof content === "string") return content;
  if (type === "N" && typeof content === "string") return toNumber(content);
  if (type === "B") return required(lossyTextOf(content));
  if (type === "BOOL" && typeof content === "boolean") return content;
  if (type === "NULL" && content === true) return null;
  if (Array.isArray(content) && content.length <= room.left) {
    if (type === "L") return Array.from(content, (element: unknown) => toPlain(element, room, depth + 1));
    const leaf = type === undefined ? undefined : SETS[type];
    if (leaf !== undefined)
      return Array.from(content, (element: unknown) => toPlain({ [leaf]: element }, room, depth + 1));
  } else if (type === "M" && typeof content === "object" && content !== null) {
    // fromEntries defines properties, where an assignment to `__proto__` would change the prototype.
    return Object.fromEntries(
      Object.keys(content).map((name) => [name, toPlain(own(content, name), room, depth + 1)]),
    );
  }
  throw new TypeError("not an attribute value");
}

function toNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || Number.isNaN(number)) throw new TypeError("not a number");
  return number;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("not an attribute value");
  return value;
}
