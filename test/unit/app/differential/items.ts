import fc from "fast-check";
import { FLAGS, LIMITS } from "../../../../src/app/app.ts";
import {
  anyNumbers,
  BIG_NUMBER,
  BOOLEANS,
  inAnyType,
  ODD_VALUES,
  oneOfSpellings,
  textOf,
  textOrBytes,
  valuesOf,
} from "./attribute-values.ts";
import { webhooks } from "./webhook-items.ts";

const WORDS = ["true", "false", "Yes", "NO", " on\n", "off ", "1", "0", "t", "f", "maybe", "2", "null", " "];
const FLAG_NUMBERS = ["0", "1", "2", "-1", "0.5"].map((N) => ({ N }));

const NUMBERS = [
  ..."0 1 2 7 250 2.9 0.5 -0.5 -1 -100 9007199254740991 9007199254740993 1000000000000000000000".split(" "),
  BIG_NUMBER,
  "0.0000001",
];
const NUMBER_TEXTS = [
  "5,000",
  "5 a second",
  " 12\n",
  "1e3",
  "1E-3",
  ".5",
  "+7",
  "0x10",
  "1_000",
  "many",
  "NaN",
  "Infinity",
  " ",
  "-5 x",
  "- 5",
  "99999999999999999999999999",
  "12.5kB",
  "true",
  "\u00a09",
  "٣",
];

const SPACES = [" ", "\t", "\n", "\u00a0", "\ufeff", "\u0085", "\u180e", "\u200b", "\u2028", "\0"];
const anyWord = textOf(...SPACES, "true", "TRUE", "no", "oN", "OFF", "f", "y", "1", "0", "\u0130", "\u017f");
const flagValue = fc.oneof(
  { weight: 3, arbitrary: valuesOf(BOOLEANS, textOrBytes(WORDS), FLAG_NUMBERS, ODD_VALUES) },
  inAnyType(anyWord),
  anyNumbers,
);
const numbers = NUMBERS.map((N) => ({ N }));
const anyDigits = textOf(
  ...SPACES,
  ..."0 1 2 3 4 5 6 7 8 9".split(" "),
  "99999",
  "1e3",
  ".",
  "-",
  "+",
  "e",
  "E",
  "x",
  "0x",
  "0X1f",
  "0b1",
  "0o7",
  "_",
  ",",
  "n",
  "Infinity",
  "NaN",
  "\uff15",
);
const limitValue = fc.oneof(
  {
    weight: 4,
    arbitrary: valuesOf(numbers, textOrBytes(NUMBERS), textOrBytes(NUMBER_TEXTS), [
      ...BOOLEANS,
      ...ODD_VALUES,
    ]),
  },
  { weight: 2, arbitrary: inAnyType(anyDigits) },
  anyNumbers,
);
const identityValue = fc.oneof(
  {
    weight: 2,
    arbitrary: valuesOf(
      textOrBytes(["id-2", "7", " k ", "schl\u00fcssel"]),
      [{ N: "42" }, { N: BIG_NUMBER }],
      [...BOOLEANS, ...ODD_VALUES],
    ),
  },
  inAnyType(textOf(...SPACES, "a", "0", "\u{1f511}")),
);

/** One attribute, under one of its names. */
const settings = fc.oneof(
  ...FLAGS.map(({ attribute }) => ({
    weight: 3,
    arbitrary: fc.tuple(oneOfSpellings(attribute), flagValue),
  })),
  ...LIMITS.map(({ attribute }) => ({
    weight: 1,
    arbitrary: fc.tuple(oneOfSpellings(attribute), limitValue),
  })),
  ...(["AppId", "AppKey", "AppSecret"] as const).map((attribute) => ({
    weight: 1,
    arbitrary: fc.tuple(oneOfSpellings(attribute), identityValue),
  })),
);

const IDENTITY = [
  ["AppId", { S: "id-1" }],
  ["AppKey", { S: "key-1" }],
  ["AppSecret", { S: "secret-1" }],
] as const;

/** An item as DynamoDB may hold it and soketi's SDK gives it: each attribute under any of its names, of any type. */
export const item = fc
  .record({
    settings: fc.array(settings, { maxLength: 5 }),
    webhooks: fc.array(webhooks, { maxLength: 2 }),
    left: fc.oneof(
      { weight: 12, arbitrary: fc.constant("nothing") },
      fc.constantFrom("AppId", "AppKey", "AppSecret"),
    ),
    polluted: fc.oneof(
      { weight: 30, arbitrary: fc.constant([]) },
      fc.tuple(settings).map((fields) => [["__proto__", { M: Object.fromEntries(fields) }] as const]),
    ),
  })
  .map(({ settings: some, webhooks: more, left, polluted }): Record<string, unknown> => {
    const identity = IDENTITY.filter(([name]) => name !== left);
    return Object.fromEntries([...identity, ...some, ...more, ...polluted]);
  });
