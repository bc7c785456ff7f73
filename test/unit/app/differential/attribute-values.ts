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

/** Text of a few parts, in which what matters to a reader stands anywhere. */
export const textOf = (...parts: readonly string[]) =>
  fc.array(fc.constantFrom(...parts), { maxLength: 6 }).map((some) => some.join(""));

const asText = (text: fc.Arbitrary<string>) => text.map((one): unknown => ({ S: one }));
/** The same as S, N, B, or within lists and sets. */
export const inAnyType = (text: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 3, arbitrary: asText(text) },
    { weight: 2, arbitrary: text.map((one) => bytes(one)) },
    text.map((one) => ({ L: [{ S: one }, { S: "x" }] })),
    text.map((one) => ({ L: [{ L: [{ B: Buffer.from(one) }] }] })),
    text.map((one) => ({ L: [{ SS: [one] }] })),
    text.map((one) => ({ L: [{ M: { a: { S: one } } }] })),
    text.map((one) => ({ SS: [one, `${one}x`] })),
    text.map((one) => ({ BS: [Buffer.from(one)] })),
    text.map((one) => ({ M: { a: { S: one } } })),
  );

/** Numbers as DynamoDB and its emulators may write them. */
export const anyNumber = fc.oneof(
  fc.constantFrom(
    "-0",
    "0.0",
    "00",
    "007",
    "1e3",
    "1E+3",
    "5e-324",
    "1e-7",
    "0.000000123",
    "1e21",
    "123e-2",
    "-1e-9",
    "1e400",
  ),
  fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer({ min: -3, max: 300 }).map(String),
);
const inNumbers = anyNumber.chain((number) =>
  fc.constantFrom<unknown>(
    { N: number },
    { L: [{ N: number }] },
    { NS: [number] },
    { NS: ["1", number] },
    { L: [{ NS: [number] }] },
  ),
);

export const BOOLEANS = [{ BOOL: true }, { BOOL: false }];

export const anyNumbers = inNumbers;
export const valuesOf = (...groups: (readonly unknown[])[]) =>
  fc.oneof(...groups.map((group) => fc.constantFrom(...group)));
export const textOrBytes = (texts: readonly string[]) => texts.flatMap((text) => [{ S: text }, bytes(text)]);
export const oneOfSpellings = (attribute: keyof typeof SPELLINGS) => fc.constantFrom(...SPELLINGS[attribute]);
