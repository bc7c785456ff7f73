import { describe, expect, it } from "vitest";
import { FLAGS, LIMITS } from "../../../src/app/app.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { DEFAULTS, ENCODINGS, FULL, IDENTITY } from "./fixtures.ts";

const codes = (attributes: unknown) => normalize(attributes).problems.map(({ code }) => code);

describe("identity", () => {
  it("alone is an app with every default", () => {
    expect(normalize(IDENTITY)).toStrictEqual({ app: DEFAULTS, id: "id-1", key: "key-1", problems: [] });
  });

  const bad: [string, unknown, string][] = [
    ["undefined", undefined, "identity-missing"],
    ["empty", { S: "" }, "identity-missing"],
    ["NULL", { NULL: true }, "identity-missing"],
    ["BOOL", { BOOL: true }, "identity-unreadable"],
    ["a map", { M: {} }, "identity-unreadable"],
    ["a list", { L: [] }, "identity-unreadable"],
    ["binary that is no text", { B: new Uint8Array([0xff, 0xfe]) }, "identity-unreadable"],
    ["two types", { S: "a", N: "1" }, "identity-unreadable"],
    ["no type", {}, "identity-unreadable"],
    ["S that is no text", { S: 5 }, "identity-unreadable"],
    ["not a value", "text", "identity-unreadable"],
    ["null", null, "identity-unreadable"],
  ];
  for (const attribute of ["AppId", "AppKey", "AppSecret"]) {
    it.each(bad)(`${attribute}: %s means no app`, (_name, value, code) => {
      const result = normalize({ ...IDENTITY, [attribute]: value });
      expect(result.app).toBeUndefined();
      expect(result.id).toBe(attribute === "AppId" ? undefined : "id-1");
      expect(result.key).toBe(attribute === "AppKey" ? undefined : "key-1");
      expect(result.problems).toMatchObject([{ attribute, code, severity: "error" }]);
    });

    it(`${attribute}: N is text, with a warning`, () => {
      const result = normalize({ ...IDENTITY, [attribute]: { N: "42" } });
      expect(Object.values(result.app ?? {})).toContain("42");
      expect(result.problems).toMatchObject([{ attribute, code: "identity-not-text", severity: "warning" }]);
    });

    it.each(ENCODINGS)(`${attribute}: B as $name is text, with a warning`, ({ encode }) => {
      const result = normalize({ ...IDENTITY, [attribute]: { B: encode("schlüssel") } });
      expect(Object.values(result.app ?? {})).toContain("schlüssel");
      expect(result.problems).toMatchObject([{ attribute, code: "identity-not-text", severity: "warning" }]);
    });
  }

  it("is taken exactly as written", () => {
    expect(normalize({ ...IDENTITY, AppKey: { S: " k\n" } })).toMatchObject({ key: " k\n", problems: [] });
  });
});

describe.each(FLAGS)("$attribute", ({ name, attribute, default: fallback }) => {
  const flag = (value: unknown) => {
    const { app, problems } = normalize({ ...IDENTITY, [attribute]: value });
    return { value: app?.[name], problems };
  };
  const words = { true: "true t yes y on 1 TRUE Yes oN", false: "false f no n off 0 FALSE No oFF" };
  for (const [expected, list] of Object.entries(words)) {
    for (const word of list.split(" ")) {
      it.each(ENCODINGS)(`B "${word}" as $name is ${expected}`, ({ encode }) => {
        expect(flag({ B: encode(word) })).toEqual({ value: expected === "true", problems: [] });
      });
      it(`S "${word}" is ${expected}`, () => {
        expect(flag({ S: word })).toEqual({ value: expected === "true", problems: [] });
      });
    }
  }
  it.each([true, false])("BOOL %s", (value) => {
    expect(flag({ BOOL: value })).toEqual({ value, problems: [] });
  });
  it.each([
    ["1", true],
    ["0", false],
    ["1.0", true],
    ["-0", false],
    ["0e5", false],
  ])("N %s is %s", (text, value) => {
    expect(flag({ N: text })).toEqual({ value, problems: [] });
  });
  it.each([[undefined], [{ S: "" }], [{ NULL: true }], [{ B: "" }], [{ B: new Uint8Array() }]])(
    "%j is absent",
    (value) => {
      expect(flag(value)).toEqual({ value: fallback, problems: [] });
    },
  );
  it.each(ENCODINGS)("B with a line break as $name is read, with a warning", ({ encode }) => {
    const { value, problems } = flag({ B: encode(`${!fallback}\n`) });
    expect(value).toBe(!fallback);
    expect(problems).toMatchObject([{ attribute, code: "surrounding-space", severity: "warning" }]);
  });
  const unreadable: [unknown][] = [
    [{ S: "maybe" }],
    [{ S: "1.0" }],
    [{ S: "0.0" }],
    [{ S: " " }],
    [{ N: "2" }],
    [{ N: "-1" }],
    [{ N: " " }],
    [{ BOOL: "false" }],
    [{ NULL: false }],
    [{ L: [] }],
    [{ M: {} }],
    [{ SS: ["false"] }],
    [{ B: "false" }],
    [{ B: "true" }],
    [{ B: "a-_=" }],
    [{ B: { 0: 102, 2: 97 } }],
    [{ B: { 0: 300 } }],
    [{ B: { 0: 116 + 256 } }],
    [{ B: { 0: 116 - 256 } }],
    [{ B: "dHJ1ZQ" }],
    [{ B: "dHJ1ZQ=" }],
    [{ B: { 0: 1.5 } }],
    [{ B: { type: "Buffer", data: "false" } }],
    [{ B: 5 }],
    [{ B: null }],
    [{ BOOL: true, S: "true" }],
    ["false"],
    [null],
    [[]],
  ];
  it.each(unreadable)("%j is the default, with a problem", (value) => {
    const result = flag(value);
    expect(result.value).toBe(fallback);
    expect(result.problems).toMatchObject([{ attribute, code: "flag-unreadable", severity: "error" }]);
  });
});

describe("the whole item", () => {
  it.each([[undefined], [null], [5], ["text"], [true], [Symbol("s")], [10n], [() => 1]])(
    "%s is no item",
    (value) => {
      expect(normalize(value)).toMatchObject({ problems: [{ attribute: "item", code: "not-an-item" }] });
      expect(normalize(value).app).toBeUndefined();
    },
  );
  it.each([[[]], [{}], [Object.create(IDENTITY)], [{ __proto__: IDENTITY }]])(
    "%j lacks its identity",
    (value) => {
      expect(codes(value)).toEqual(["identity-missing", "identity-missing", "identity-missing"]);
    },
  );
  it("ignores attributes it doesn't know", () => {
    const names = ["aws:rep:updatetime", "Other", "constructor", "__proto__", "toString"];
    const more = Object.fromEntries(names.map((name) => [name, { S: "x" }]));
    expect(normalize({ ...more, ...IDENTITY })).toStrictEqual(normalize(IDENTITY));
  });
  it("reads an item without a prototype", () => {
    expect(normalize(Object.assign(Object.create(null), IDENTITY))).toStrictEqual(normalize(IDENTITY));
  });
  it("reports every broken attribute and keeps the others", () => {
    const broken = { ...IDENTITY, Enabled: { S: "?" }, MaxConnections: { N: "9" }, Webhooks: { S: "{" } };
    const { app, problems } = normalize(broken);
    expect(app).toEqual({ ...DEFAULTS, limits: { ...DEFAULTS.limits, maxConnections: 9 } });
    expect(problems.map(({ attribute }) => attribute)).toEqual(["Enabled", "Webhooks"]);
  });
  it("survives getters and proxies that throw", () => {
    const fail = (): never => {
      throw new Error("no");
    };
    const trap = new Proxy({}, { get: fail, has: fail, ownKeys: fail, getOwnPropertyDescriptor: fail });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const getter = Object.defineProperty({ ...IDENTITY }, "Enabled", { get: fail, enumerable: true });
    expect(codes(trap)).toContain("identity-unreadable");
    expect(codes(proxy)).toContain("identity-unreadable");
    expect(codes(getter)).toEqual(["flag-unreadable"]);
    for (const hostile of [trap, proxy]) {
      expect(codes({ ...IDENTITY, Webhooks: { S: hostile } })).toEqual(["webhooks-unreadable"]);
      expect(codes({ ...IDENTITY, Webhooks: { L: hostile } })).toEqual(["webhooks-unreadable"]);
      expect(codes({ ...IDENTITY, Webhooks: { L: [hostile, { M: hostile }] } })).toEqual([
        "webhook-unreadable",
        "webhook-unreadable",
      ]);
      expect(codes({ ...IDENTITY, Enabled: { B: hostile } })).toEqual(["flag-unreadable"]);
    }
  });
  it("survives cycles, shared structures, sparse and huge lists, and deep nesting", () => {
    const cycle: { L: unknown[] } = { L: [] };
    cycle.L.push(cycle, cycle);
    let shared: unknown = { S: "x" };
    for (let level = 0; level < 30; level += 1) shared = { L: [shared, shared] };
    let deep: unknown = { S: "x" };
    for (let level = 0; level < 100_000; level += 1) deep = { L: [deep] };
    let sharedMaps: unknown = { S: "x" };
    for (let level = 0; level < 30; level += 1) sharedMaps = { M: { a: sharedMaps, b: sharedMaps } };
    let levels: unknown = { S: "x" };
    for (let level = 0; level < 40; level += 1) levels = { L: [levels] };
    const sparse = { L: new Array<unknown>(4_000_000_000) };
    for (const value of [cycle, shared, sharedMaps, deep, levels, sparse]) {
      const [first] = codes({ ...IDENTITY, Webhooks: { L: [value] } });
      expect(first).toBe("webhook-unreadable");
    }
    expect(codes({ ...IDENTITY, Webhooks: sparse })).toEqual(["webhooks-unreadable"]);
    const text = `[{"lambda_function":"f","event_types":["cache_miss"],"lambda":{"client_options":{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}}}]`;
    const result = normalize({ ...IDENTITY, Webhooks: { S: text } });
    expect(result.app?.webhooks).toEqual([{ lambdaFunction: "f", eventTypes: ["cache_miss"], lambda: {} }]);
    expect(result.problems).toMatchObject([{ code: "webhook-lambda-option-ignored" }]);
  });
  it("bounds the number of problems", () => {
    const { problems } = normalize({ ...IDENTITY, Webhooks: { S: JSON.stringify(new Array(1000).fill(0)) } });
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)).toMatchObject({ code: "problems-left-out", severity: "error" });
  });
  it("reads a full item", () => {
    const item = {
      ...IDENTITY,
      Enabled: { BOOL: false },
      EnableClientMessages: { BOOL: true },
      EnableUserAuthentication: { BOOL: true },
      ...Object.fromEntries(
        LIMITS.map(({ name, attribute }) => [attribute, { N: String(FULL.limits[name]) }]),
      ),
    };
    expect(normalize(item)).toStrictEqual({
      app: { ...FULL, previousSecret: undefined, webhooks: [] },
      id: "id-1",
      key: "key-1",
      problems: [],
    });
  });
});
