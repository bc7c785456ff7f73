import { describe, expect, it } from "vitest";
import { FLAGS, LIMITS } from "../../../src/app/app.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { otherSpellings, SECRET_ATTRIBUTES, SPELLINGS, spellingsIn } from "../../../src/app/spellings.ts";
import { IDENTITY, realAppFromItem } from "./fixtures.ts";

const read = (more: object) => normalize({ ...IDENTITY, ...more });

describe.each([...FLAGS, ...LIMITS])("$attribute", ({ name, attribute }) => {
  const [first, second] = FLAGS.some((flag) => flag.name === name)
    ? [{ BOOL: false }, { BOOL: true }]
    : [{ N: "7" }, { N: "8" }];
  const valueOf = (more: object) => {
    const { app } = read(more);
    return { ...app, ...app?.limits }[name];
  };
  const others = otherSpellings(attribute);

  it.each(others)("is read as %s, as by soketi, with a warning", (spelling) => {
    for (const value of [first, second]) {
      const item = { ...IDENTITY, [spelling]: value };
      expect(valueOf(item)).toBe(realAppFromItem(item)[name]);
      expect(read(item).problems).toMatchObject([
        { attribute, code: "undocumented-spelling", severity: "warning" },
      ]);
      expect(read(item).problems[0]?.message).toContain(`Write ${attribute}, and remove ${spelling}.`);
    }
  });

  it.each(others)("and %s that agree are a warning, that differ an error, in soketi's order", (spelling) => {
    expect(read({ [attribute]: first, [spelling]: first }).problems).toMatchObject([
      { attribute, code: "undocumented-spelling" },
    ]);
    for (const [documented, other] of [
      [first, second],
      [second, first],
    ]) {
      const item = { ...IDENTITY, [attribute]: documented, [spelling]: other };
      expect(valueOf(item)).toBe(realAppFromItem(item)[name]);
      expect(read(item).problems).toMatchObject([
        { attribute, code: "spellings-disagree", severity: "error" },
      ]);
    }
  });

  it("falls back to another spelling where one is empty", () => {
    const item = { ...IDENTITY, ...Object.fromEntries(others.map((spelling) => [spelling, first])) };
    for (const empty of [{ NULL: true }, { S: "" }]) {
      expect(valueOf({ ...item, [attribute]: empty })).toBe(
        realAppFromItem({ ...item, [attribute]: empty })[name],
      );
      expect(read({ ...item, [attribute]: empty }).problems).toMatchObject([
        { code: "undocumented-spelling" },
      ]);
    }
  });
});

describe("identity", () => {
  it.each([
    ["AppId", "id"],
    ["AppKey", "key"],
    ["AppSecret", "secret"],
  ] as const)("%s is read as %s, unless it is there itself", (attribute, name) => {
    const { [attribute]: _, ...rest } = IDENTITY;
    const alone = normalize({ ...rest, [name]: { S: "other" } });
    expect(alone.app?.[name]).toBe("other");
    expect(alone.problems).toMatchObject([{ attribute, code: "undocumented-spelling" }]);
    const both = read({ [name]: { S: "other" } });
    expect(both.app?.[name]).toBe(IDENTITY[attribute].S);
    expect(both.problems).toMatchObject([{ attribute, code: "spellings-disagree" }]);
  });
});

it.each(["null", '""'])("a secret is %s, as it is written: only of Webhooks this is nothing", (text) => {
  expect(read({ AppSecret: { S: text } }).app?.secret).toBe(text);
});

describe("an item whose names cannot be listed", () => {
  it("is read under each name all the same", () => {
    const item = new Proxy(
      { key: { S: "k" } },
      {
        ownKeys: () => {
          throw new Error("no names");
        },
      },
    );
    expect(spellingsIn(item)("AppKey").map(({ name }) => name)).toEqual(["key"]);
  });
});

describe("webhooks", () => {
  const text = '[{"url":"http://x","event_types":["cache_miss"]}]';

  it.each([{ S: "null" }, { S: '""' }, { NULL: true }, undefined])(
    "hold where Webhooks is %j",
    (Webhooks) => {
      expect(read({ webhooks: { S: text }, Webhooks }).app?.webhooks).toHaveLength(1);
      expect(read({ webhooks: { S: text }, Webhooks }).problems).toMatchObject([
        { attribute: "Webhooks", code: "undocumented-spelling" },
      ]);
    },
  );

  it.each([{ S: "" }, { S: "[]" }, { S: "5" }, { L: [] }])("do not hold where Webhooks is %j", (Webhooks) => {
    expect(realAppFromItem({ ...IDENTITY, webhooks: { S: text }, Webhooks }).webhooks).toEqual([]);
    const { app, problems } = read({ webhooks: { S: text }, Webhooks });
    expect(app?.webhooks).toEqual([]);
    expect(problems).toContainEqual(
      expect.objectContaining({ code: "spellings-disagree", severity: "error" }),
    );
  });
});

describe("the words of a problem", () => {
  const both = "Write MaxConnections, and remove maxConnections and max_connections.";
  it.each([
    [
      { maxConnections: { N: "5" }, max_connections: { N: "5" } },
      `maxConnections and max_connections are spellings that soketi reads but does not document. ${both}`,
    ],
    [
      { max_connections: { N: "5" } },
      "max_connections is a spelling that soketi reads but does not document. Write MaxConnections, and remove max_connections.",
    ],
    [
      { enabled: { BOOL: false }, Enabled: { S: "yes" } },
      "enabled and Enabled differ; soketi uses Enabled. Write Enabled, and remove enabled.",
    ],
  ])("%j", (more, message) => {
    expect(read(more).problems.map((problem) => problem.message)).toEqual([message]);
  });
});

describe("SPELLINGS", () => {
  it("has every attribute that soketi's App reads, and no other", () => {
    const known = Object.keys(SPELLINGS).sort();
    const own = [...FLAGS, ...LIMITS].map(({ attribute }) => attribute);
    expect(known).toEqual(["AppId", "AppKey", "AppSecret", "Webhooks", ...own].sort());
  });
  it("knows what is never shown", () => {
    expect([...SECRET_ATTRIBUTES].sort()).toEqual([
      "AppSecret",
      "AppSecretPrevious",
      "Webhooks",
      "secret",
      "webhooks",
    ]);
  });
  it("has no other names for what it does not know", () => {
    expect(otherSpellings("constructor")).toEqual([]);
    expect(otherSpellings("AppId")).toEqual(["id"]);
  });
});
