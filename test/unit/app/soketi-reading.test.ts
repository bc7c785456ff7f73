import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isReadingOf, readAsSoketi } from "../../../src/app/soketi-reading.ts";
import { item } from "./differential/items.ts";
import { ENCODINGS, IDENTITY, realAppFromItem, SERVER_LIMITS } from "./fixtures.ts";

/** What soketi's own App has of an item, as its cache holds it; undefined when it cannot be made. */
function bySoketi(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  try {
    const app = realAppFromItem(attributes) as unknown as { toObject(): Record<string, unknown> };
    return JSON.parse(JSON.stringify(app.toObject())) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Both. What soketi takes from its server's settings ours leaves out. */
function both(attributes: Readonly<Record<string, unknown>>) {
  const ours = readAsSoketi(attributes);
  const theirs = bySoketi(attributes);
  const ofServer: Readonly<Record<string, unknown>> = SERVER_LIMITS;
  const isOfItem = ([name, value]: [string, unknown]) => name in (ours ?? {}) || ofServer[name] !== value;
  return { ours, theirs: theirs && Object.fromEntries(Object.entries(theirs).filter(isOfItem)) };
}

const WHOLE = [
  "MaxConnections",
  "MaxBackendEventsPerSecond",
  "MaxClientEventsPerSecond",
  "MaxReadRequestsPerSecond",
  "MaxPresenceMembersPerChannel",
  "MaxPresenceMemberSizeInKb",
  "MaxChannelNameLength",
  "MaxEventChannelsAtOnce",
  "MaxEventNameLength",
  "MaxEventPayloadInKb",
  "MaxEventBatchSize",
];
const VALUES = [
  { N: "7.5" },
  { S: "7.5 of them" },
  { S: "" },
  { NULL: true },
  { BOOL: true },
  { L: [{ N: "3" }] },
  { S: "x" },
  { NS: ["5"] },
  { L: [{ SS: ["5"] }] },
];
const hook = (more: object) => ({ url: "https://example.com", ...more });

const ITEMS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "nothing at all": {},
  "ids that are empty": { AppId: { S: "" }, AppKey: { NULL: true }, AppSecret: { S: "s" } },
  "numbers, sets and maps": {
    ...IDENTITY,
    AppId: { N: "7" },
    AppKey: { SS: ["a", "b"] },
    AppSecret: { M: { a: { S: "b" }, c: { NS: ["1", "2"] } } },
  },
  "three spellings, of which the last counts": {
    ...IDENTITY,
    Enabled: { BOOL: true },
    enabled: { BOOL: false },
    MaxConnections: { N: "1" },
    maxConnections: { N: "2" },
    max_connections: { N: "3" },
  },
  "a spelling that is NULL": { ...IDENTITY, MaxConnections: { N: "1" }, max_connections: { NULL: true } },
  "a spelling that is empty": { ...IDENTITY, MaxConnections: { N: "1" }, max_connections: { S: "" } },
  ...Object.fromEntries(
    WHOLE.flatMap((name) =>
      VALUES.map((value) => [`${name} ${JSON.stringify(value)}`, { ...IDENTITY, [name]: value }]),
    ),
  ),
  ...Object.fromEntries(
    ["true", "T", " yes ", "Y", "on", "1", "false", "off", "0", "maybe", ""].flatMap((word) =>
      ["EnableClientMessages", "Enabled", "EnableUserAuthentication"].flatMap((name) => [
        [`${name} bytes "${word}"`, { ...IDENTITY, [name]: { B: Buffer.from(word) } }],
        [`${name} text "${word}"`, { ...IDENTITY, [name]: { S: word } }],
      ]),
    ),
  ),
  "a set of numbers, and of bytes": {
    ...IDENTITY,
    AppId: { NS: ["1", "2"] },
    enabled: { BS: [Buffer.from("a")] },
  },
  "webhooks that are no JSON, beside others under another name": {
    ...IDENTITY,
    webhooks: { S: JSON.stringify([hook({ event_types: [] })]) },
    Webhooks: { S: "no JSON" },
  },
  "webhooks in a set": { ...IDENTITY, Webhooks: { SS: ["[]"] } },
  ...Object.fromEntries(
    ["MaxReadRequestsPerSecond", "MaxConnections", "webhooks", "AppId"].map((name) => [
      `${name} that is no text, though it says how to be one`,
      { ...IDENTITY, [name]: { M: { toString: { S: "x" }, valueOf: { S: "x" } } } },
    ]),
  ),
  "what is inherited": { ...IDENTITY, ["__proto__"]: { M: { MaxConnections: { N: "5" } } } },
  "what a webhook inherits": {
    ...IDENTITY,
    Webhooks: { L: [{ M: { ["__proto__"]: { M: { event_types: { L: [] } } } } }] },
  },
  "bytes in a set": { ...IDENTITY, Enabled: { BS: [Buffer.from("a")] } },
  ...Object.fromEntries(
    [
      { S: JSON.stringify([hook({ event_types: ["channel_occupied"] })]) },
      { S: JSON.stringify([hook({ event_types: "channel_occupied" })]) },
      { S: JSON.stringify([hook({})]) },
      { S: "[null]" },
      { S: "[1]" },
      { S: "no JSON" },
      { S: "{}" },
      { S: "null" },
      { S: '"[]"' },
      { S: JSON.stringify(JSON.stringify([hook({ event_types: [] })])) },
      { S: "" },
      { N: "5" },
      { BOOL: false },
      { L: [] },
      { L: [{ M: { url: { S: "https://example.com" }, event_types: { L: [{ S: "cache_miss" }] } } }] },
      { L: [{ M: { url: { S: "https://example.com" } } }] },
      { L: [{ NULL: true }] },
      { L: [{ M: { event_types: { NULL: true } } }] },
      { L: [{ M: { event_types: { B: Buffer.from("x") } } }] },
      { L: [{ M: { event_types: { SS: ["cache_miss"] } } }] },
    ].map((value) => [`Webhooks ${JSON.stringify(value)}`, { ...IDENTITY, Webhooks: value }]),
  ),
};

describe("what is no attribute", () => {
  it.each([undefined, null, 5, "5", {}, { X: "5" }, { N: undefined }, []])(
    "as %j is as if it were not there",
    (value) => {
      const reading = readAsSoketi({ ...IDENTITY, MaxConnections: value, webhooks: value });
      expect(reading).toBeDefined();
      expect(reading).toEqual(readAsSoketi(IDENTITY));
    },
  );

  it("has the type that has a value", () => {
    expect(readAsSoketi({ ...IDENTITY, MaxConnections: { S: undefined, N: "5" } })).toMatchObject({
      maxConnections: 5,
    });
  });
});

describe("an item as soketi's own App reads it", () => {
  it.each(Object.entries(ITEMS))("%s", (_name, attributes) => {
    const { ours, theirs } = both(attributes);
    expect(ours).toEqual(theirs);
  });

  it("of any item", () => {
    let apps = 0;
    fc.assert(
      fc.property(item, (attributes) => {
        const { ours, theirs } = both(attributes);
        expect(ours).toEqual(theirs);
        if (ours) apps += 1;
      }),
      { numRuns: fc.readConfigureGlobal().numRuns ?? 2_000 },
    );
    expect(apps).toBeGreaterThan(0);
  });

  it.each(ENCODINGS.filter(({ name }) => name === "Uint8Array of an SDK" || name === "Buffer"))(
    "has client messages from $name",
    ({ encode }) => {
      expect(readAsSoketi({ ...IDENTITY, EnableClientMessages: { B: encode("yes") } })).toMatchObject({
        enableClientMessages: true,
      });
    },
  );

  it("has a value for each limit of its own, and none that its server would set", () => {
    expect(readAsSoketi(IDENTITY)).toEqual({
      id: "id-1",
      key: "key-1",
      secret: "secret-1",
      maxConnections: -1,
      enableClientMessages: false,
      enabled: true,
      maxBackendEventsPerSecond: -1,
      maxClientEventsPerSecond: -1,
      maxReadRequestsPerSecond: -1,
      webhooks: [],
      enableUserAuthentication: false,
    });
  });

  it("is what an entry of its cache says, but for what the server filled in", () => {
    const reading = readAsSoketi(IDENTITY) ?? {};
    expect(isReadingOf(reading, { ...reading, maxChannelNameLength: 200 })).toBe(true);
    for (const name of Object.keys(reading))
      expect(isReadingOf(reading, { ...reading, [name]: "other" })).toBe(false);
  });
});
