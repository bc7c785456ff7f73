/**
 * DynamoDB attribute values from every place they come from. Input is hostile: anything may be missing, of another
 * type, a getter that throws, cyclic or endless. Only own properties are read, so that an attribute named
 * `__proto__` or `constructor` is a name like any other.
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
export type TextType = "S" | "N" | "B";

const TYPES: ReadonlySet<string> = new Set(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]);

/** The own property `name` of anything. May throw, if the owner is a proxy or the property a getter. */
export function own(owner: unknown, name: string): unknown {
  if (typeof owner !== "object" || owner === null || !Object.hasOwn(owner, name)) return undefined;
  return (owner as AttributeMap)[name];
}

/** The one type that a value has. A value of two types is a guess, so it has none. */
export function typeOf(value: unknown): AttributeType | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  let found: string | undefined;
  for (const name of Object.keys(value)) {
    if (!TYPES.has(name) || own(value, name) === undefined) continue;
    if (found !== undefined) return undefined;
    found = name;
  }
  return found as AttributeType | undefined;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text in the content of a B, or undefined when it isn't text. */
export function textOf(content: unknown): string | undefined {
  const bytes = bytesOf(content);
  if (bytes === undefined) return undefined;
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Three times as fast as a strict decoder, and wrong only where it puts a U+FFFD: then the strict one decides.
  const text = buffer.toString("utf8");
  if (!text.includes("\ufffd")) return text;
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The same, with a U+FFFD for each byte that is not UTF-8, as soketi reads it. Undefined when it isn't bytes. */
export function lossyTextOf(content: unknown): string | undefined {
  const bytes = bytesOf(content);
  return bytes && Buffer.from(bytes).toString("utf8");
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
  const { length } = Object.keys(content);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) {
    const byte = own(content, String(index));
    if (typeof byte !== "number" || !Number.isInteger(byte) || byte < 0 || byte > 255) return undefined;
    bytes[index] = byte;
  }
  return bytes;
}
