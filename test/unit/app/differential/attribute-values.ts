import fc from "fast-check";
import { SPELLINGS } from "../../../../src/app/spellings.ts";

/** More digits than a double holds: soketi rounds it. */
export const BIG_NUMBER = "12345678901234567890";

/** The name of a map's field that keeps JavaScript from making text of it. */
const NO_TEXT = { M: { toString: { S: "x" }, valueOf: { S: "x" } } };

export const bytes = (text: string) => ({ B: Buffer.from(text) });
const NOT_UTF8 = { B: Buffer.from([0x37, 0xff]) };

/** What no attribute is meant to be. */
export const ODD_VALUES: readonly unknown[] = [
  { NULL: true },
  { S: "" },
  bytes(""),
  NOT_UTF8,
  { M: {} },
  NO_TEXT,
  { L: [] },
  { L: [{ N: "3" }, { S: "x" }] },
  { L: [{ L: [bytes("8x")] }] },
  { L: [{ NULL: true }, { N: "3" }] },
  { SS: ["true"] },
  { NS: ["1"] },
  { BS: [Buffer.from("1")] },
];

export const BOOLEANS = [{ BOOL: true }, { BOOL: false }];

export const valuesOf = (...groups: (readonly unknown[])[]) =>
  fc.oneof(...groups.map((group) => fc.constantFrom(...group)));
export const textOrBytes = (texts: readonly string[]) => texts.flatMap((text) => [{ S: text }, bytes(text)]);
export const oneOfSpellings = (attribute: keyof typeof SPELLINGS) => fc.constantFrom(...SPELLINGS[attribute]);
