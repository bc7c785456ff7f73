import type { LIMITS } from "./app.ts";
import type { Report } from "./problems.ts";
import type { Reading } from "./read-attribute.ts";
import { soketiNumber } from "./soketi-number.ts";
import type { Spelled } from "./spellings.ts";

type LimitRow = (typeof LIMITS)[number];

// As soketi has them of the package `boolean`.
const TRUE_WORDS: ReadonlySet<string> = new Set(["true", "t", "yes", "y", "on", "1"]);
const FALSE_WORDS: ReadonlySet<string> = new Set(["false", "f", "no", "n", "off", "0"]);

/** A word in any case; undefined when it is neither a yes nor a no. */
export function wordToBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (TRUE_WORDS.has(word)) return true;
  return FALSE_WORDS.has(word) ? false : undefined;
}

/** What was found, without its value: see {@link Problem.message}. */
export function describe(reading: Reading): string {
  if (reading.kind === "text") {
    const { length } = reading.text;
    return `${reading.type} with ${length} ${length === 1 ? "character" : "characters"}`;
  }
  if (reading.kind === "boolean") return "BOOL";
  if (reading.kind === "list") return "L";
  if (reading.kind === "absent") return "nothing";
  return reading.type === "B" ? "B that is not text in UTF-8, or not base64" : reading.type;
}

/** The text without space around it, which `echo true | base64` leaves behind. Reported when there was any. */
function trimmed(attribute: string, text: string, report: Report): string {
  const bare = text.trim();
  if (bare !== text && bare !== "") {
    report(attribute, "surrounding-space", "Read without the white space around it. Write it without.");
  }
  return bare;
}

/** A decimal number as DynamoDB writes it. Not hex, not "NaN", not "Infinity", not "". */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

export function readFlag(attribute: string, reading: Reading, fallback: boolean, report: Report): boolean {
  if (reading.kind === "absent") return fallback;
  if (reading.kind === "boolean") return reading.value;
  if (reading.kind === "text") {
    const word = trimmed(attribute, reading.text, report);
    // DynamoDB writes 0.0 and -0 as 0; an emulator may not.
    const value = wordToBoolean(reading.type === "N" && DECIMAL.test(word) ? String(Number(word)) : word);
    if (value !== undefined) return value;
  }
  const expected = "Expected BOOL, or B, S or N with true/t/yes/y/on/1 or false/f/no/n/off/0";
  report(attribute, "flag-unreadable", `${expected}; found ${describe(reading)}. Taken as ${fallback}.`);
  return fallback;
}

/** The limit, or undefined when it is unset: absent, negative, or nothing in it that is a number. Never negative, never -0. */
export function readLimit(row: LimitRow, { reading, value }: Spelled, report: Report): number | undefined {
  if (reading.kind === "absent") return undefined;
  const text = reading.kind === "text" ? trimmed(row.attribute, reading.text, report) : "";
  const isDecimal = DECIMAL.test(text);
  const number = isDecimal ? Number(text) : soketiNumber(value, row.fraction);
  if (!isDecimal) reportNoNumber(row, number, describe(reading), report);
  if (Number.isNaN(number)) return row.withoutNumber;
  return number < 0 ? undefined : withinRange(row, number, report);
}

/** Without the number: it may be the beginning of something that was not meant to be here. */
function reportNoNumber(
  { attribute, unset, withoutNumber }: LimitRow,
  found: number,
  what: string,
  report: Report,
) {
  const nothing = withoutNumber === undefined ? "no limit" : `${withoutNumber} a second, as in soketi`;
  const otherwise = unset === "unlimited" ? nothing : "not set: the server's default";
  const meaning = Number.isNaN(found) ? otherwise : "the number at its beginning, as in soketi";
  report(attribute, "limit-unreadable", `Expected a number; found ${what}. Taken as ${meaning}.`);
}

function withinRange(row: LimitRow, value: number, report: Report): number {
  const { attribute, fraction } = row;
  if (value > Number.MAX_SAFE_INTEGER) {
    // soketi's parseInt makes 1 of 1e21. Whoever writes that wants a limit that is never met.
    report(attribute, "limit-too-large", `More than 2^53-1, and taken as that. Use -1 to leave it out.`);
    return Number.MAX_SAFE_INTEGER;
  }
  const whole = Math.trunc(value);
  if (!fraction && whole !== value) {
    report(attribute, "limit-truncated", `Expected a whole number; found a fraction. Taken as ${whole}.`);
  }
  if (row.name === "maxConnections" && whole === 0) {
    // soketi: parseInt(maxConnections) || -1 (dist/ws-handler.js).
    report(
      attribute,
      "max-connections-zero",
      "soketi takes 0 for no limit. To let nobody in, disable the app.",
    );
  }
  // Adding 0 turns -0, which JSON can't hold, into 0.
  return (fraction ? value : whole) + 0;
}
