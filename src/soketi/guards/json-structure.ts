import { MAX_DEPTH, MIN_DEEP_LENGTH } from "./depth.ts";

/** What is wrong with a JSON text, whatever it says. */
export type StructureFault = "too deep" | "too much structure";

/**
 * Structural characters that any text may have: its names, its channels, and what soketi has no limit for.
 * The smallest values take the longest to parse: `{},` some thirty times as long as three letters of a text.
 */
const FREE_CHARACTERS = 16 * 1024;

/**
 * The structural characters of the largest text that soketi may take. It writes the data of an event as JSON again to
 * measure it, and so counts each of them. (Not of names that are repeated in one map, of which JSON.parse keeps the last.)
 *
 * @param kilobytes that soketi allows for all data in it.
 */
export function maxStructureOf(kilobytes: number): number {
  return FREE_CHARACTERS + 1024 * kilobytes;
}

/**
 * Looks at a text once, before it is parsed: it may be anybody's, and parsing is slow. What is no JSON at all is left to
 * the parser.
 *
 * @param text in UTF-8.
 * @param maxStructure of structural characters (RFC 8259, section 2): brackets, braces, colons and commas outside of strings.
 */
export function structureFaultOf(text: Uint8Array, maxStructure: number): StructureFault | undefined {
  const { length } = text;
  if (length <= MIN_DEEP_LENGTH) return undefined;
  let depth = 0;
  let structure = 0;
  for (let at = 0; at < length; at += 1) {
    switch (text[at]) {
      case QUOTE:
        at = endOfString(text, at + 1);
        continue;
      case BEGIN_ARRAY:
      case BEGIN_OBJECT:
        depth += 1;
        if (depth > MAX_DEPTH) return "too deep";
        break;
      case END_ARRAY:
      case END_OBJECT:
        depth -= 1;
        break;
      case COLON:
      case COMMA:
        break;
      default:
        continue;
    }
    structure += 1;
    if (structure > maxStructure) return "too much structure";
  }
  return undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BEGIN_ARRAY = 0x5b;
const END_ARRAY = 0x5d;
const BEGIN_OBJECT = 0x7b;
const END_OBJECT = 0x7d;
const COLON = 0x3a;
const COMMA = 0x2c;

/** Where its closing quote is. */
function endOfString(text: Uint8Array, begin: number): number {
  const { length } = text;
  for (let at = begin; at < length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) return at;
    // What it escapes is no end.
    if (byte === BACKSLASH) at += 1;
  }
  return length;
}
