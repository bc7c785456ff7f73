import { describe, expect, it } from "vitest";
import { normalize } from "../../../src/app/normalize.ts";
import { ENCODINGS, IDENTITY } from "./fixtures.ts";
import { event_types, fnRead, good, goodRead, url, WEBHOOKS } from "./webhook-cases.ts";

const read = (value: unknown) => {
  const { app, problems } = normalize({ ...IDENTITY, Webhooks: value });
  expect(problems.every(({ attribute }) => attribute === "Webhooks")).toBe(true);
  return { webhooks: app?.webhooks, codes: problems.map(({ code }) => code) };
};
const readJson = (...webhooks: unknown[]) => read({ S: JSON.stringify(webhooks) });

describe("where webhooks stand", () => {
  const text = JSON.stringify([good]);
  it("S with JSON", () => {
    expect(read({ S: text })).toEqual({ webhooks: [goodRead], codes: [] });
  });
  it.each(ENCODINGS)("B as $name with JSON", ({ encode }) => {
    expect(read({ B: encode(text) })).toEqual({ webhooks: [goodRead], codes: [] });
  });
  it.each([
    [undefined],
    [{ S: "" }],
    [{ NULL: true }],
    [{ S: "[]" }],
    [{ L: [] }],
    [{ S: "null" }],
    [{ S: ' ""\n' }],
  ])("%j is none", (value) => {
    expect(read(value)).toEqual({ webhooks: [], codes: [] });
  });
  it.each([[{ S: JSON.stringify(text) }], [{ B: Buffer.from(JSON.stringify(text)) }]])(
    "%j is read, though encoded twice",
    (value) => {
      expect(read(value)).toEqual({ webhooks: [goodRead], codes: ["webhooks-encoded-twice"] });
    },
  );
  it("B with bytes that are not UTF-8 is read without them", () => {
    const bytes = Buffer.from(text.replace("hook", "hook#?"));
    bytes[bytes.indexOf("?")] = 0xff;
    expect(read({ B: bytes })).toEqual({
      webhooks: [{ ...goodRead, url: `${url}#\ufffd` }],
      codes: ["webhooks-not-utf8"],
    });
  });
  const unreadable: [unknown][] = [
    [{ S: "{" }],
    [{ S: JSON.stringify(good) }],
    [{ S: JSON.stringify(JSON.stringify(text)) }],
    [{ S: JSON.stringify("text") }],
    [{ B: Buffer.from("null") }],
    [{ B: new Uint8Array([0xff]) }],
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
      ["big", 12345678901234567000],
      ["on", true],
      ["none", null],
      ["set", [1, 2]],
      ["nested", { list: [""] }],
      ["__proto__", "own"],
      ["constructor", "own"],
    ]);
    expect(codes).toEqual([]);
  });
  it("keeps one with bytes that are not UTF-8 in a field that nobody reads", () => {
    const value = element({
      other: { BS: [new Uint8Array([0xff])] },
      another: { B: new Uint8Array([0xff]) },
    });
    expect(read({ L: [value] })).toEqual({ webhooks: [goodRead], codes: [] });
  });
  const broken: [unknown][] = [
    [{}],
    [{ S: 5 }],
    [{ N: "x" }],
    [{ N: " " }],
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
  it.each(WEBHOOKS)("%s", (_name, webhook, expected, codes) => {
    const after = { ...goodRead, url: "https://example.com/after" };
    const result = readJson(webhook, { ...good, url: "https://example.com/after" });
    expect(result.webhooks).toEqual(expected === undefined ? [after] : [expected, after]);
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
    expect(read({ S: text }).webhooks).toEqual([{ ...fnRead, lambda: { clientOptions: { a: 0 } } }]);
    expect(read({ S: text.replace("-0", "[1e999]") }).codes).toEqual(["webhook-lambda-option-ignored"]);
  });
});

describe("a second item with the same webhooks", () => {
  it("gets the same list, when there was nothing wrong with it, and its problems again, when there was", () => {
    const item = (attributes: object) => ({ ...IDENTITY, ...attributes });
    const same = item({ Webhooks: { S: JSON.stringify([good]) } });
    const first = normalize(same).app?.webhooks;
    expect(normalize(same).app?.webhooks).toBe(first);
    const bad = item({ Webhooks: { S: JSON.stringify([good, 1]) } });
    for (let i = 0; i < 2; i += 1) expect(normalize(bad).problems).toHaveLength(1);
    expect(normalize(item({ Webhooks: { L: [] } })).app?.webhooks).toEqual([]);
    expect(normalize(same).app?.webhooks).toEqual(first);
    const other = item({ Webhooks: { S: JSON.stringify([{ ...good, url: "https://other.example.com" }]) } });
    expect(normalize(other).app?.webhooks).not.toEqual(first);
  });
});
