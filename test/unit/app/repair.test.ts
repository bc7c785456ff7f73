import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diff } from "../../../src/app/diff.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { repaired, repairsOf } from "../../../src/app/repair.ts";
import { TableCheck } from "../../../src/app/table-check.ts";

const ITEM = { AppId: { S: "a" }, AppKey: { S: "k" }, AppSecret: { S: "s" } };
const bytes = (text: string) => ({ B: new Uint8Array(Buffer.from(text)) });

/** Attribute, as it is -> its code, and as it is written; undefined: it goes. */
const REPAIRS = [
  ["Enabled", bytes("false"), "flag-not-bool", { BOOL: false }],
  ["Enabled", { S: "Yes" }, "flag-not-bool", { BOOL: true }],
  ["EnableClientMessages", { N: "1" }, "flag-not-bool", { BOOL: true }],
  ["EnableUserAuthentication", { S: " off\n" }, "flag-not-bool", { BOOL: false }],
  ["Enabled", { NULL: true }, "attribute-empty", undefined],
  ["MaxChannelNameLength", { N: "-1" }, "limit-negative", undefined],
  ["MaxEventPayloadInKb", { S: "-1" }, "limit-negative", undefined],
  ["MaxEventBatchSize", { S: "" }, "attribute-empty", undefined],
  ["Webhooks", { NULL: true }, "attribute-empty", undefined],
  ["MaxConnections", { S: "100" }, "limit-not-number", { N: "100" }],
  ["MaxConnections", bytes("-1"), "limit-not-number", { N: "-1" }],
  ["MaxConnections", { S: "-5" }, "limit-not-number", { N: "-1" }],
  ["MaxConnections", { S: "0" }, "limit-not-number", { N: "0" }],
  ["MaxEventPayloadInKb", bytes("1.5"), "limit-not-number", { N: "1.5" }],
  ["AppSecret", bytes("s3cret"), "secret-not-text", { S: "s3cret" }],
  ["AppSecret", { N: "12" }, "secret-not-text", { S: "12" }],
  [
    "Webhooks",
    {
      L: [
        { M: { url: { S: "http://x" }, event_types: { L: [{ S: "client_event" }] }, note: { S: "mine" } } },
      ],
    },
    "webhooks-not-json",
    { S: '[{"url":"http://x","event_types":["client_event"],"note":"mine"}]' },
  ],
  ["Webhooks", bytes("[]"), "webhooks-not-json", { S: "[]" }],
  ["Webhooks", { S: JSON.stringify("[]") }, "webhooks-not-json", { S: "[]" }],
  [
    "Webhooks",
    { S: '[{"lambda_function":"f","event_types":["client_event"]}]' },
    "webhook-lambda-missing",
    { S: '[{"lambda_function":"f","event_types":["client_event"],"lambda":{}}]' },
  ],
] as const;

/** Another name for an attribute, what stands under it, and what is written under the documented one. */
const RENAMED = [
  ["Enabled", "enabled", { BOOL: false }, "name-undocumented", { BOOL: false }],
  ["Enabled", "enabled", { S: "no" }, "flag-not-bool", { BOOL: false }],
  ["EnableClientMessages", "enable_client_messages", { BOOL: true }, "name-undocumented", { BOOL: true }],
  ["MaxConnections", "max_connections", { N: "5" }, "name-undocumented", { N: "5" }],
  ["MaxConnections", "maxConnections", { N: "-1" }, "name-undocumented", { N: "-1" }],
  ["MaxReadRequestsPerSecond", "max_read_req_per_sec", { S: "5" }, "limit-not-number", { N: "5" }],
  ["Webhooks", "webhooks", { S: '[{"id":1}]' }, undefined, undefined],
  [
    "Webhooks",
    "webhooks",
    { S: '[{"url":"http://x","event_types":["cache_miss"],"note":1}]' },
    "name-undocumented",
    { S: '[{"url":"http://x","event_types":["cache_miss"],"note":1}]' },
  ],
  ["Webhooks", "webhooks", { L: [] }, "webhooks-not-json", { S: "[]" }],
] as const;

/** What is right, or would need a guess. */
const LEFT_ALONE = [
  ["Enabled", { BOOL: false }],
  ["Enabled", { S: "perhaps" }],
  ["MaxConnections", { N: "-1" }],
  ["MaxConnections", { N: "0" }],
  ["MaxConnections", { S: "1.5" }],
  ["MaxConnections", { S: "many" }],
  ["MaxConnections", { S: "5,000" }],
  ["MaxConnections", { L: [] }],
  ["MaxEventPayloadInKb", { N: "1.5" }],
  ["Webhooks", { S: "[]" }],
  ["Webhooks", { S: "no json" }],
  ["Webhooks", { L: [{ M: { url: { S: "http://x" } } }] }],
  ["Webhooks", { L: [{ M: { url: { S: "http://x" }, event_types: { S: "client_event" } } }] }],
  ["Unknown", { S: "" }],
] as const;

describe("repairsOf", () => {
  it.each(REPAIRS)("%s %j: %s", (attribute, value, code, written) => {
    expect(repairsOf({ ...ITEM, [attribute]: value })).toEqual([{ attribute, code, value: written }]);
  });

  it.each(LEFT_ALONE)("leaves %s %j", (attribute, value) => {
    expect(repairsOf({ ...ITEM, [attribute]: value })).toEqual([]);
  });

  it.each(RENAMED)("%s, which is there as %s %j", (attribute, name, value, code, written) => {
    const removed = { attribute: name, code: "name-undocumented", value: undefined };
    const expected = code === undefined ? [] : [removed, { attribute, code, value: written }];
    expect(repairsOf({ ...ITEM, [name]: value })).toEqual(expected);
    // An empty one under the documented name is written over.
    expect(repairsOf({ ...ITEM, [name]: value, [attribute]: { NULL: true } })).toEqual(expected);
  });

  it("removes another name that says the same, an empty one, and a limit that says nothing", () => {
    const item = {
      ...ITEM,
      id: ITEM.AppId,
      secret: ITEM.AppSecret,
      enabled: { NULL: true },
      MaxConnections: { S: "5" },
      max_connections: { N: "5" },
      max_event_batch_size: { N: "-1" },
    };
    expect(repairsOf(item)).toEqual([
      { attribute: "id", code: "name-undocumented", value: undefined },
      { attribute: "secret", code: "name-undocumented", value: undefined },
      { attribute: "enabled", code: "attribute-empty", value: undefined },
      { attribute: "max_connections", code: "name-undocumented", value: undefined },
      { attribute: "MaxConnections", code: "limit-not-number", value: { N: "5" } },
      { attribute: "max_event_batch_size", code: "name-undocumented", value: undefined },
    ]);
  });

  it("writes a secret and a key under their documented names", () => {
    const item = { AppId: { S: "a" }, key: { S: "k" }, secret: { N: "12" } };
    expect(repairsOf(item)).toEqual([
      { attribute: "key", code: "name-undocumented", value: undefined },
      { attribute: "AppKey", code: "name-undocumented", value: { S: "k" } },
      { attribute: "secret", code: "name-undocumented", value: undefined },
      { attribute: "AppSecret", code: "secret-not-text", value: { S: "12" } },
    ]);
  });

  // Other items, and clients, name an app by them.
  it.each(["AppId", "AppKey"])("leaves the %s, whatever type it has", (attribute) => {
    expect(repairsOf({ ...ITEM, [attribute]: { N: "7" } })).toEqual([]);
  });

  it("leaves names that disagree", () => {
    expect(repairsOf({ ...ITEM, enabled: { BOOL: false }, Enabled: { BOOL: true } })).toEqual([]);
  });

  it("leaves an item that is no app", () => {
    expect(repairsOf({ AppId: { S: "a" }, Enabled: { S: "no" } })).toEqual([]);
  });

  it("repairs what it can beside what it cannot", () => {
    const item = { ...ITEM, Enabled: { S: "no" }, MaxConnections: { S: "many" }, Webhooks: { S: "{" } };
    expect(repairsOf(item).map(({ attribute }) => attribute)).toEqual(["Enabled"]);
  });

  it("repairs all that was repaired in one go, changes no meaning, and leaves what it does not know", () => {
    const value = fc.oneof(
      ...[...REPAIRS, ...LEFT_ALONE].map(([attribute, one]) => fc.constant([attribute, one] as const)),
      ...RENAMED.map(([, name, one]) => fc.constant([name, one] as const)),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 12 }), (values) => {
        const item: Record<string, unknown> = {
          ...ITEM,
          Extra: { S: "x" },
          ...Object.fromEntries<unknown>(values),
        };
        const after = repaired(item, repairsOf(item));
        expect(diff(normalize(item), normalize(after))).toBeUndefined();
        expect(repairsOf(after)).toEqual([]);
        expect(after).toMatchObject({ AppId: ITEM.AppId, AppKey: ITEM.AppKey, Extra: { S: "x" } });
      }),
    );
  });
});

describe("TableCheck", () => {
  const check = (...apps: [string | undefined, string | undefined][]) => {
    const table = new TableCheck();
    for (const [id, key] of apps) table.add(id, key);
    return table.problems().map(({ code, appIds }) => [code, ...appIds]);
  };

  it("says what is wrong, and what to do", () => {
    const table = new TableCheck();
    for (const [id, key] of [
      ["a", "k"],
      ["b", "k"],
      ["k", "other"],
    ] as const)
      table.add(id, key);
    expect(table.problems().map(({ message }) => message)).toEqual([
      "AppKey k is that of 2 apps: chance decides which one a client reaches. Give each its own.",
      "AppId k is the AppKey of a, b: soketi's cache keeps both under one name. Change one.",
    ]);
  });

  it("finds apps that share a key", () => {
    expect(check(["a", "k"], ["b", "k2"], ["c", "k"], ["d", "k"])).toEqual([["key-shared", "a", "c", "d"]]);
  });

  it("finds an id that is another app's key, whichever comes first", () => {
    expect(check(["a", "k"], ["b", "a"])).toEqual([["id-is-key", "a", "b"]]);
    expect(check(["b", "a"], ["a", "k"])).toEqual([["id-is-key", "a", "b"]]);
  });

  it("has nothing against an app whose key is its own id, nor against items that name nothing", () => {
    expect(check(["a", "a"], [undefined, "k"], [undefined, "k"])).toEqual([]);
    expect(check(["b", undefined], ["c", undefined], ["undefined", "d"])).toEqual([]);
  });
});
