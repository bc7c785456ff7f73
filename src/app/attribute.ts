/**
 * Reads DynamoDB attribute values from every place they come from. Input is hostile: anything may be missing, of
 * another type, a getter that throws, cyclic or endless. Only own properties are read, so that an attribute named
 * `__proto__` or `constructor` is a name like any other.
 *
 * The conversion is our own and not `convertToNative` of `@aws-sdk/util-dynamodb`: that takes B only as Uint8Array,
 * throws on some numbers, makes Sets, loses a string named `__proto__`, recurses without a bound, and would have
 * to be bundled into the agent for Node 16.
 */

/** One value, loosely: what `B` is depends on where it comes from, see {@link bytesOf}. */
export interface AttributeValue {
  readonly S?: unknown;
  readonly N?: unknown;
  readonly B?: unknown;
  readonly BOOL?: unknown;
  readonly NULL?: unknown;
  readonly L?: unknown;
  readonly M?: unknown;
  readonly SS?: unknown;
  readonly NS?: unknown;
  readonly BS?: unknown;
}

/** An item's attributes. Hostile: each value has to be checked. */
export type AttributeMap = Readonly<Record<string, unknown>>;

export type AttributeType = keyof AttributeValue;
type TextType = "S" | "N" | "B";

/** What stands in an attribute. Lists hold plain data; an element that can't be read is undefined in them. */
export type Reading =
  | { readonly kind: "absent" }
  | { readonly kind: "text"; readonly type: TextType; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "list"; readonly items: readonly unknown[] }
  | { readonly kind: "unreadable"; readonly type: AttributeType | "nothing known" };

/** DynamoDB's own limit for nesting. Also what keeps every later walk over the data off the end of the stack. */
export const MAX_DEPTH = 32;
/** More values than an item of 400 KB can hold. A small cyclic or shared structure can unfold to more. */
const MAX_VALUES = 400_000;

const TYPES: ReadonlySet<string> = new Set(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]);
const SETS: Partial<Record<AttributeType, TextType>> = { SS: "S", NS: "N", BS: "B" };
const ABSENT: Reading = { kind: "absent" };

/** The own property `name` of anything. May throw, if the owner is a proxy or the property a getter. */
function own(owner: unknown, name: string): unknown {
  if (typeof owner !== "object" || owner === null || !Object.hasOwn(owner, name)) return undefined;
  return (owner as AttributeMap)[name];
}

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
  }
  if (type === "L" && Array.isArray(content)) return { kind: "list", items: readItems(content) };
  return { kind: "unreadable", type };
}

/** The one type that a value has. A value of two types is a guess, so it has none. */
function typeOf(value: unknown): AttributeType | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  let found: string | undefined;
  for (const name of Object.keys(value)) {
    if (!TYPES.has(name) || own(value, name) === undefined) continue;
    if (found !== undefined) return undefined;
    found = name;
  }
  return found as AttributeType | undefined;
}

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
 * An attribute value as JSON would have it. B is text, as everywhere in an item; sets are arrays; a number that a
 * double can't hold stays text. Throws on whatever is not an attribute value.
 */
function toPlain(value: unknown, room: { left: number }, depth: number): unknown {
  room.left -= 1;
  if (depth > MAX_DEPTH || room.left < 0) throw new RangeError("nested too deeply, or too large");
  const type = typeOf(value);
  const content = type === undefined ? undefined : own(value, type);
  if (type === "S" && typeof content === "string") return content;
  if (type === "N" && typeof content === "string") return toNumber(content);
  if (type === "B") return required(textOf(content));
  if (type === "BOOL" && typeof content === "boolean") return content;
  if (type === "NULL" && content === true) return null;
  if (Array.isArray(content) && content.length <= room.left) {
    if (type === "L") return Array.from(content, (element) => toPlain(element, room, depth + 1));
    const leaf = type === undefined ? undefined : SETS[type];
    if (leaf !== undefined)
      return Array.from(content, (element) => toPlain({ [leaf]: element }, room, depth + 1));
  } else if (type === "M" && typeof content === "object" && content !== null) {
    // fromEntries defines properties, where an assignment to `__proto__` would change the prototype.
    return Object.fromEntries(
      Object.keys(content).map((name) => [name, toPlain(own(content, name), room, depth + 1)]),
    );
  }
  throw new TypeError("not an attribute value");
}

function toNumber(text: string): number | string {
  const number = Number(text);
  if (text.trim() === "" || Number.isNaN(number)) throw new TypeError("not a number");
  return Math.abs(number) > Number.MAX_SAFE_INTEGER ? text : number;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("not an attribute value");
  return value;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text in the content of a B, or undefined when it isn't text. */
export function textOf(content: unknown): string | undefined {
  const bytes = bytesOf(content);
  if (bytes === undefined) return undefined;
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * The bytes in the content of a B: base64 text from a Lambda event, Uint8Array from an AWS SDK, `{"0":116,…}` from
 * an emulator that sent a Uint8Array through JSON, `{"type":"Buffer","data":[…]}` from one that sent a Buffer.
 * Undefined when it is none of them. May throw on getters.
 */
export function bytesOf(content: unknown): Uint8Array | undefined {
  if (typeof content === "string") {
    return content.length % 4 === 0 && BASE64.test(content) ? Buffer.from(content, "base64") : undefined;
  }
  if (typeof content !== "object" || content === null) return undefined;
  if (ArrayBuffer.isView(content)) {
    return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  }
  if (own(content, "type") === "Buffer") return numberedBytes(own(content, "data"));
  return numberedBytes(content);
}

function numberedBytes(content: unknown): Uint8Array | undefined {
  if (typeof content !== "object" || content === null) return undefined;
  const names = Object.keys(content);
  const bytes = new Uint8Array(names.length);
  for (let index = 0; index < names.length; index += 1) {
    const byte = names[index] === String(index) ? own(content, String(index)) : undefined;
    if (typeof byte !== "number" || !Number.isInteger(byte) || byte < 0 || byte > 255) return undefined;
    bytes[index] = byte;
  }
  return bytes;
}
