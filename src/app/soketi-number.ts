import { lossyTextOf, own, typeOf } from "./attribute.ts";
import { MAX_DEPTH } from "./read-attribute.ts";

/**
 * The number that soketi finds in an attribute that is none: it reads limits with parseInt and parseFloat, which take the
 * digits at the beginning of any text, and of any value's text. NaN when there are none. Never throws.
 */
export function soketiNumber(value: unknown, fraction: boolean): number {
  try {
    const text = leadingText(value);
    // Without a radix, as soketi has it: 0x10 is 16.
    return fraction ? Number.parseFloat(text) : Number.parseInt(text);
  } catch {
    return Number.NaN;
  }
}

/** The beginning of the text that JavaScript makes of a value, as far as a number may stand there. */
function leadingText(value: unknown): string {
  let first = value;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const type = typeOf(first);
    const content = type === undefined ? undefined : own(first, type);
    if (type === "S" && typeof content === "string") return content;
    if (type === "N" && typeof content === "string") return String(Number(content));
    if (type === "B") return lossyTextOf(content) ?? "";
    if (type !== "L" || !Array.isArray(content)) break;
    first = content[0];
  }
  return "";
}
