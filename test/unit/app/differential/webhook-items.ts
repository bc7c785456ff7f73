import fc from "fast-check";
import { WEBHOOK_EVENT_TYPES } from "../../../../src/app/app.ts";
import {
  BIG_NUMBER,
  BOOLEANS,
  bytes,
  ODD_VALUES,
  oneOfSpellings,
  textOf,
  textOrBytes,
  valuesOf,
} from "./attribute-values.ts";
import { json, native, type Variant } from "./encodings.ts";

const URLS: readonly unknown[] = [
  "https://example.com/hook",
  "HTTP://u:p@Example.com:8080/x?y=1#z",
  " https://example.com/ \n",
  "\ufeffhttps://a b@example.com/a b\tc?d\r#e f",
  "https://exa\nmple.com/",
  "http:\\\\example.com\\x",
  "https://exa mple.com/x",
  "http:///x",
  "http:example.com",
  "example.com/x",
  "//example.com/x",
  "http://ex%41mple.com/",
  "https://example.com:99999/",
  "https://example.com:abc/x",
  "ftp://example.com",
  "https://example.com/\u0100",
  "https://example.com/\u00fc\u00a0x",
  "\u2003https://example.com",
  "http://a%zz@b.de",
  "http://b\u00fccher.de",
  "http://[::1]:80/x",
  "https://x/'\"<>`{}|",
  "http://1.2.3.4.5/",
  "http://h;x.de/",
  5,
  0,
  false,
  true,
  ["https://example.com"],
  { a: 1 },
];
const anyUrl = fc
  .tuple(
    fc.constantFrom(
      "https://",
      "https://",
      "http://",
      "HTTPS:\\\\",
      "http:/",
      " http://",
      "https://u:p@",
      "https://u%40@",
    ),
    textOf(
      ...`a b . - _ / \\ ? # @ : % & = + ~ ! $ ' ( ) ; , [ ] { } | ^ \` < > " *`.split(" "),
      "example.com",
      "xn--4ca.de",
      "[::1]",
      ":80",
      ":443",
      ":0",
      "%41",
      "%zz",
      " ",
      "\t",
      "\r\n",
      "\u00a0",
      "\ufeff",
      "\u200b",
      "\u3002",
      "\u00e4",
      "\u00df",
      "\u{1f600}",
      "\ud800",
      "\0",
    ),
    fc.constantFrom("", "/", "/hook", "/hook?a=b#c", "\n", "\u00a0"),
  )
  .map((parts) => parts.join(""));
const EVENTS: readonly unknown[] = [
  ...WEBHOOK_EVENT_TYPES.map((type) => [type]),
  [...WEBHOOK_EVENT_TYPES],
  ["client_event", "client_event", "x", null, 5],
  ["client_event,cache_miss"],
  "cache_miss, member_added",
  "xclient_eventx",
  "",
  "cache miss",
  [],
  [[]],
  {},
  5,
  true,
];
const HEADER_VALUES: readonly unknown[] = [
  "x",
  "",
  "\u00fc\t",
  5,
  0,
  true,
  false,
  ["x", 5],
  [],
  [["x"]],
  [null],
  null,
  {},
  { a: 1 },
  "a\r\nb",
  "\u0100",
];
const HEADER_NAMES = [
  "X-A",
  "content-type",
  "User-Agent",
  "X-Pusher-Key",
  "authorization",
  "a b",
  "__proto__",
  "",
];
const deep: unknown = JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`);
const anyName = textOf(
  "X",
  "-",
  "a",
  "1",
  "_",
  "~",
  "!",
  ":",
  " ",
  "\t",
  "\u00e4",
  "(",
  "\0",
  "Content-Length",
  "Host",
  "Transfer-Encoding",
  "Connection",
  "Expect",
  "Content-Type",
  "accept",
  "constructor",
  "toString",
);
const anyLine = textOf(
  "a",
  " ",
  "\t",
  "\r",
  "\n",
  "\0",
  "\u007f",
  "\u0080",
  "\u00ff",
  "\u0100",
  "\u{1f600}",
  "chunked",
  "5",
  ",",
  ";",
);
const anyValue = fc.oneof(
  anyLine,
  fc.array(anyLine, { maxLength: 2 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const headers = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.dictionary(fc.constantFrom(...HEADER_NAMES), fc.constantFrom(...HEADER_VALUES)),
  },
  { weight: 3, arbitrary: fc.dictionary(anyName, anyValue, { maxKeys: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, false, 0, "", "ab", ["x"], 5, true) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>({ "X-A": deep }, { "X-A": 1e999, "X-B": "x" }) },
);
const AFFIXES: readonly unknown[] = [
  "a",
  "-z",
  "",
  "true",
  "false",
  "[object",
  "nothing",
  true,
  false,
  0,
  5,
  -1,
  null,
  [],
  ["a"],
  ["5", "x"],
  [null],
  {},
  ["a", {}],
  [["5"], "x"],
];
const affix = fc.constantFrom(...AFFIXES);
const filter = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record(
      { channel_name_starts_with: affix, channel_name_ends_with: affix },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, false, 0, "", "a", ["a"], 5, true, [], {}) },
);
const lambda = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record(
      {
        async: fc.constantFrom<unknown>(
          true,
          false,
          "false",
          "No ",
          "yes",
          "maybe",
          0,
          1,
          2,
          null,
          "",
          [],
          {},
        ),
        region: fc.constantFrom<unknown>("eu-west-1", "", null, 0, 5, ["x"], false, { a: 1 }),
        client_options: fc.constantFrom<unknown>(
          { a: [1, { b: null }] },
          {},
          { region: "x" },
          { big: Number(BIG_NUMBER) },
          null,
          false,
          "ab",
          ["x"],
          5,
          true,
          { a: deep },
          { a: 1e999 },
        ),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, false, 0, "", "x", [], 5, true) },
);

const webhook = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record(
      {
        url: fc.oneof(fc.constant(URLS[0]), fc.constantFrom(...URLS), anyUrl),
        lambda_function: fc.constantFrom<unknown>("f", "f", "f", "", null, " ", 5, {}),
        event_types: fc.oneof(
          { weight: 3, arbitrary: fc.constant(["client_event"]) },
          fc.constantFrom(...EVENTS),
        ),
        headers,
        filter,
        lambda,
      },
      { requiredKeys: ["event_types"] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, {}, { url: URLS[0] }, 5, "x", [], true) },
);

const webhooksValue = fc.array(webhook, { maxLength: 3 }).chain((webhooks) => {
  const text = json(webhooks);
  // Neither Infinity nor more than 32 levels can be in a native list.
  const finite = JSON.parse(text.replaceAll("1e999", "1").replaceAll(JSON.stringify(deep), "1")) as unknown;
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant<unknown>({ S: text }) },
    {
      weight: 4,
      arbitrary: fc.constantFrom<unknown>(
        { S: JSON.stringify(text) },
        bytes(text),
        bytes(JSON.stringify(text)),
        { S: JSON.stringify(JSON.stringify(text)) },
        {
          B: Buffer.concat([
            Buffer.from(text.slice(0, -1)),
            Buffer.from(`,"`),
            Buffer.from([0xff]),
            Buffer.from(`"]`),
          ]),
        },
      ),
    },
    {
      weight: 4,
      arbitrary: fc.constantFrom<Variant>("plain", "bytes", "sets").map((variant) => native(finite, variant)),
    },
  );
});
const oddWebhooks = valuesOf(textOrBytes(["null", '""', "{}", "5", "[", "false", " null ", "[]"]), [
  ...BOOLEANS,
  ...ODD_VALUES,
  { N: "5" },
]);
/** The attribute under one of its names, in any encoding. */
export const webhooks = fc.tuple(
  oneOfSpellings("Webhooks"),
  fc.oneof({ weight: 5, arbitrary: webhooksValue }, { weight: 1, arbitrary: oddWebhooks }),
);
