import { BIG_NUMBER } from "./attribute-values.ts";

/** Whether text becomes B, and lists of text SS, in a native list. */
export type Variant = "plain" | "bytes" | "sets";

/** Plain data as attribute values. */
export function native(value: unknown, variant: Variant): unknown {
  if (Array.isArray(value)) {
    const isText = value.length > 0 && value.every((part) => typeof part === "string");
    return isText && variant === "sets" ? { SS: value } : { L: value.map((part) => native(part, variant)) };
  }
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).filter(([name]) => name !== "__proto__");
    return { M: Object.fromEntries(fields.map(([name, part]) => [name, native(part, variant)])) };
  }
  if (typeof value === "string") return variant === "bytes" ? { B: Buffer.from(value) } : { S: value };
  if (typeof value === "number") return { N: value === Number(BIG_NUMBER) ? BIG_NUMBER : String(value) };
  return value === null ? { NULL: true } : { BOOL: value };
}

/** As text. */
export const json = (value: unknown) =>
  // JSON has no Infinity, though a text may hold a number that is read as one.
  JSON.stringify(value, (_name, part: unknown) => (part === Infinity ? "INFINITY" : part)).replaceAll(
    '"INFINITY"',
    "1e999",
  );
