import { describe, expect, it } from "vitest";
import { WEBHOOK_EVENT_TYPES } from "../../../src/app/app.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { ENCODINGS, IDENTITY } from "./fixtures.ts";

const read = (value: unknown) => {
  const { app, problems } = normalize({ ...IDENTITY, Webhooks: value });
  expect(problems.every(({ attribute }) => attribute === "Webhooks")).toBe(true);
  return { webhooks: app?.webhooks, codes: problems.map(({ code }) => code) };
};
const readJson = (...webhooks: unknown[]) => read({ S: JSON.stringify(webhooks) });

const url = "https://example.com/hook";
const event_types = ["cache_miss"];
const good = { url, event_types };
const goodRead = { url, eventTypes: ["cache_miss"] };
const fn = { lambda_function: "f", event_types };
const fnRead = { lambdaFunction: "f", eventTypes: ["cache_miss"], lambda: {} };

describe("where webhooks stand", () => {
  const text = JSON.stringify([good]);
  it("S with JSON", () => {
    expect(read({ S: text })).toEqual({ webhooks: [goodRead], codes: [] });
  });
  it.each(ENCODINGS)("B as $name with JSON", ({ encode }) => {
    expect(read({ B: encode(text) })).toEqual({ webhooks: [goodRead], codes: [] });
  });
  it.each([[undefined], [{ S: "" }], [{ NULL: true }], [{ S: "[]" }], [{ L: [] }]])("%j is none", (value) => {
    expect(read(value)).toEqual({ webhooks: [], codes: [] });
  });
  const unreadable: [unknown][] = [
    [{ S: "{" }],
    [{ S: JSON.stringify(good) }],
    [{ S: JSON.stringify(text) }],
    [{ S: "null" }],
    [{ N: "5" }],
    [{ BOOL: true }],
    [{ M: {} }],
    [{ SS: [text] }],
    [{ L: "text" }],
    [{ B: "?" }],
    [text],
  ];
  it.each(unreadable)("%j is none, with an error", (value) => {
    expect(read(value)).toEqual({ webhooks: [], codes: ["webhooks-unreadable"] });
  });
});

describe("native lists", () => {
  const element = (fields: Record<string, unknown>) => ({
    M: { url: { S: url }, event_types: { SS: event_types }, ...fields },
  });
  it("reads maps, with L or SS of event types", () => {
    const second = element({ event_types: { L: [{ S: "client_event" }, { S: "cache_miss" }] } });
    expect(read({ L: [element({}), second] })).toEqual({
      webhooks: [goodRead, { url, eventTypes: ["client_event", "cache_miss"] }],
      codes: [],
    });
  });
  it.each(ENCODINGS)("reads B as $name as text, BS too", ({ encode }) => {
    const value = element({ url: { B: encode(url) }, event_types: { BS: [encode("cache_miss")] } });
    expect(read({ L: [value] })).toEqual({ webhooks: [goodRead], codes: [] });
  });
  it("takes NULL and empty fields for absent ones", () => {
    const fields = {
      lambda_function: { S: "" },
      headers: { NULL: true },
      filter: { NULL: true },
      lambda: { S: "" },
    };
    expect(read({ L: [element(fields)] })).toEqual({ webhooks: [goodRead], codes: [] });
  });
  it("keeps numbers, booleans, sets and odd names in client options", () => {
    const client_options = {
      M: {
        maxRetries: { N: "3" },
        big: { N: "12345678901234567890.5" },
        on: { BOOL: true },
        none: { NULL: true },
        set: { NS: ["1", "2"] },
        nested: { M: { list: { L: [{ S: "" }] } } },
        ["__proto__"]: { S: "own" },
        constructor: { S: "own" },
      },
    };
    const value = {
      M: { lambda_function: { S: "f" }, event_types: { SS: event_types }, lambda: { M: { client_options } } },
    };
    const { webhooks, codes } = read({ L: [value] });
    const options = Object.entries(
      (webhooks as unknown as [{ lambda: { clientOptions: object } }])[0].lambda.clientOptions,
    );
    expect(options).toEqual([
      ["maxRetries", 3],
      ["big", "12345678901234567890.5"],
      ["on", true],
      ["none", null],
      ["set", [1, 2]],
      ["nested", { list: [""] }],
      ["__proto__", "own"],
      ["constructor", "own"],
    ]);
    expect(codes).toEqual([]);
  });
  const broken: [unknown][] = [
    [{}],
    [{ S: 5 }],
    [{ N: "x" }],
    [{ N: " " }],
    [{ B: new Uint8Array([0xff]) }],
    [{ NULL: false }],
    [{ BOOL: 1 }],
    [{ L: "x" }],
    [{ M: null }],
    [{ SS: [1] }],
    [{ BS: ["?"] }],
    ["text"],
    [null],
  ];
  it.each(broken)("%j anywhere in one drops that one", (value) => {
    expect(read({ L: [element({ other: value }), element({})] })).toEqual({
      webhooks: [goodRead],
      codes: ["webhook-unreadable"],
    });
  });
});

describe("one webhook", () => {
  /** Fields over a good webhook; what is left of it (undefined: dropped); the problems. */
  const cases: [string, object, object | undefined, string[]][] = [
    ["http", { ...good, url: "http://h:8080/x?y#z" }, { ...goodRead, url: "http://h:8080/x?y#z" }, []],
    ["capital scheme", { ...good, url: "HTTPS://H" }, { ...goodRead, url: "HTTPS://H" }, []],
    ["other scheme", { ...good, url: "ftp://example.com" }, undefined, ["webhook-bad-url"]],
    ["script", { ...good, url: "javascript:alert(1)" }, undefined, ["webhook-bad-url"]],
    ["no scheme", { ...good, url: "example.com" }, undefined, ["webhook-bad-url"]],
    ["no host", { ...good, url: "http://?x" }, undefined, ["webhook-bad-url"]],
    ["space before", { ...good, url: ` ${url}` }, undefined, ["webhook-bad-url"]],
    ["space inside", { ...good, url: "https://example.com/a b" }, undefined, ["webhook-bad-url"]],
    ["line break inside", { ...good, url: "https://example.com/\nx" }, undefined, ["webhook-bad-url"]],
    ["url not text", { ...good, url: 5 }, undefined, ["webhook-bad-url"]],
    [
      "bad url, though a function",
      { ...good, ...fn, url: "x" },
      undefined,
      ["webhook-two-targets", "webhook-bad-url"],
    ],
    ["url and function", { ...good, lambda_function: "f", lambda: 5 }, goodRead, ["webhook-two-targets"]],
    ["function", fn, fnRead, []],
    ["empty url and function", { ...fn, url: "" }, fnRead, []],
    ["function not text", { ...fn, lambda_function: {} }, undefined, ["webhook-bad-function"]],
    ["function blank", { ...fn, lambda_function: " " }, undefined, ["webhook-bad-function"]],
    ["no target", { event_types }, undefined, ["webhook-without-target"]],
    [
      "null targets",
      { event_types, url: null, lambda_function: null },
      undefined,
      ["webhook-without-target"],
    ],
    ["no event types", { url }, undefined, ["webhook-without-events"]],
    ["null event types", { url, event_types: null }, undefined, ["webhook-without-events"]],
    ["empty event types", { url, event_types: [] }, undefined, ["webhook-without-events"]],
    ["event types a map", { url, event_types: { cache_miss: 1 } }, undefined, ["webhook-without-events"]],
    [
      "unknown event type",
      { url, event_types: ["cache_miss", "x", 5, null, "CACHE_MISS"] },
      goodRead,
      Array<string>(4).fill("webhook-unknown-event"),
    ],
    [
      "only unknown ones",
      { url, event_types: ["x"] },
      undefined,
      ["webhook-unknown-event", "webhook-without-events"],
    ],
    [
      "order and repeats",
      { url, event_types: [...WEBHOOK_EVENT_TYPES].reverse().concat("cache_miss") },
      { url, eventTypes: [...WEBHOOK_EVENT_TYPES] },
      [],
    ],
    [
      "event types as text",
      { url, event_types: "cache_miss, client_event" },
      { url, eventTypes: ["client_event", "cache_miss"] },
      ["webhook-events-not-a-list"],
    ],
    [
      "headers",
      { ...good, headers: { A: "x", "X-N": 5, "X-B": false, "X-E": "" } },
      { ...goodRead, headers: { A: "x", "X-N": "5", "X-B": "false", "X-E": "" } },
      [],
    ],
    ["empty headers", { ...good, headers: {} }, goodRead, []],
    ["headers a list", { ...good, headers: ["x"] }, goodRead, ["webhook-header-ignored"]],
    ["headers text", { ...good, headers: "x" }, goodRead, ["webhook-header-ignored"]],
    [
      "header values",
      { ...good, headers: { A: null, B: {}, C: [], D: "a\r\nb", E: "ü\u0100", F: "ok\t" } },
      { ...goodRead, headers: { F: "ok\t" } },
      Array<string>(5).fill("webhook-header-ignored"),
    ],
    [
      "header names",
      { ...good, headers: { "": "x", "a b": "x", "a:": "x", "a\n": "x" } },
      goodRead,
      Array<string>(4).fill("webhook-header-ignored"),
    ],
    [
      "filter",
      { ...good, filter: { channel_name_starts_with: "a", channel_name_ends_with: 5, other: 1 } },
      { ...goodRead, filter: { channelNameStartsWith: "a", channelNameEndsWith: "5" } },
      [],
    ],
    ["empty filter", { ...good, filter: { channel_name_starts_with: "" } }, goodRead, []],
    ["filter text", { ...good, filter: "a" }, undefined, ["webhook-bad-filter"]],
    [
      "filter half bad",
      { ...good, filter: { channel_name_starts_with: [] } },
      undefined,
      ["webhook-bad-filter"],
    ],
    ["filter list", { ...good, filter: [] }, undefined, ["webhook-bad-filter"]],
    [
      "filter of maps",
      { ...good, filter: { channel_name_ends_with: {} } },
      undefined,
      ["webhook-bad-filter"],
    ],
    [
      "lambda",
      { ...fn, lambda: { async: true, region: "eu-west-1", client_options: { a: [1] } } },
      { ...fnRead, lambda: { async: true, region: "eu-west-1", clientOptions: { a: [1] } } },
      [],
    ],
    ["lambda null", { ...fn, lambda: null }, fnRead, []],
    ["lambda not a map", { ...fn, lambda: [] }, fnRead, ["webhook-lambda-option-ignored"]],
    ["async as a word", { ...fn, lambda: { async: "False " } }, { ...fnRead, lambda: { async: false } }, []],
    ["async as a number", { ...fn, lambda: { async: 1 } }, { ...fnRead, lambda: { async: true } }, []],
    [
      "bad options",
      { ...fn, lambda: { async: "?", region: 5, client_options: [] } },
      fnRead,
      Array<string>(3).fill("webhook-lambda-option-ignored"),
    ],
    ["empty client options", { ...fn, lambda: { client_options: {} } }, fnRead, []],
    ["unknown fields", { ...good, id: "x", constructor: 1 }, goodRead, []],
  ];
  it.each(cases)("%s", (_name, webhook, expected, codes) => {
    const after = { ...goodRead, url: "https://example.com/after" };
    const result = readJson(webhook, { ...good, url: "https://example.com/after" });
    expect(result.webhooks).toStrictEqual(expected === undefined ? [after] : [expected, after]);
    expect(result.codes).toEqual(codes);
  });

  it.each([[null], [5], ["text"], [true], [[]]])("%j is no webhook", (value) => {
    expect(readJson(value, good)).toEqual({ webhooks: [goodRead], codes: ["webhook-unreadable"] });
  });

  it("names the place, not the value", () => {
    const { problems } = normalize({
      ...IDENTITY,
      Webhooks: { S: JSON.stringify([good, { url, event_types: ["x"] }]) },
    });
    expect(problems[0]?.message).toMatch(/^Webhooks\[1\]\.event_types\[0\]: expected one of client_event, /);
  });

  it.each([
    [25, []],
    [40, ["webhook-unreadable"]],
  ])("reads a native list nested %i levels deep: %j", (levels, codes) => {
    let nested: unknown = { S: "x" };
    for (let level = 0; level < levels; level += 1) nested = { L: [nested] };
    const map = { url: { S: url }, event_types: { SS: event_types }, other: nested };
    expect(read({ L: [{ M: map }] }).codes).toEqual(codes);
  });

  it("reads own fields only", () => {
    const text = `[{"__proto__":{"url":"${url}"},"event_types":["cache_miss"]}]`;
    expect(read({ S: text })).toEqual({ webhooks: [], codes: ["webhook-without-target"] });
  });

  it("keeps a header and a client option named __proto__ as names like any other", () => {
    const text = `[{"lambda_function":"f","event_types":["cache_miss"],"headers":{"__proto__":"x"},
      "lambda":{"client_options":{"__proto__":{"polluted":1}}}}]`;
    const [webhook] = read({ S: text }).webhooks as unknown as [
      { headers: object; lambda: { clientOptions: Record<string, unknown> } },
    ];
    expect(Object.getOwnPropertyNames(webhook.headers)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(webhook.lambda.clientOptions)).toBe(Object.prototype);
    expect(webhook.lambda.clientOptions.polluted).toBeUndefined();
  });

  it("has client options as JSON gives them back", () => {
    const text = `[{"lambda_function":"f","event_types":["cache_miss"],"lambda":{"client_options":{"a":-0}}}]`;
    expect(read({ S: text }).webhooks).toStrictEqual([{ ...fnRead, lambda: { clientOptions: { a: 0 } } }]);
    expect(read({ S: text.replace("-0", "[1e999]") }).codes).toEqual(["webhook-lambda-option-ignored"]);
  });
});
