import { describe, expect, it } from "vitest";
import { compareBy, fieldNamed, FIELDS, jsonOf, listed, textOf } from "../../../src/cli/support/fields.ts";
import { parseConditions } from "../../../src/cli/support/where.ts";
import type { RawItem } from "../../../src/aws/raw-item.ts";

const app = (id: string, attributes: RawItem = {}) =>
  listed({ AppId: { S: id }, AppKey: { S: `${id}-key` }, AppSecret: { S: "s3cret" }, ...attributes });

const hooks = (...urls: string[]) => ({
  Webhooks: { S: JSON.stringify(urls.map((url) => ({ url, event_types: ["channel_occupied"] }))) },
});

const APPS = [
  app("acme", { MaxConnections: { N: "100" }, ...hooks("https://a.example/t0ken", "https://b.example") }),
  app("acme-2", {
    Enabled: { BOOL: false },
    MaxConnections: { N: "1000" },
    MaxEventPayloadInKb: { N: "10" },
  }),
  app("globex", { AppSecretPrevious: { S: "former" }, AppSecretPreviousUntil: { N: "1900000000" } }),
  app("initech", { EnableClientMessages: { S: "perhaps" } }),
  listed({ AppId: { S: "broken" }, AppKey: { S: "broken-key" } }),
];
const chosen = (...conditions: string[]) => APPS.filter(parseConditions(conditions)).map(({ id }) => id);

describe("conditions", () => {
  it.each([
    ["id=acme", ["acme"]],
    ["id!=acme", ["acme-2", "globex", "initech", "broken"]],
    ["id~^acme", ["acme", "acme-2"]],
    ["id !~ ^acme", ["globex", "initech", "broken"]],
    ["key=globex-key", ["globex"]],
    // What cannot be used is neither.
    ["enabled", ["acme", "globex", "initech"]],
    ["!enabled", ["acme-2", "broken"]],
    ["enabled=false", ["acme-2"]],
    ["enabled!=false", ["acme", "globex", "initech", "broken"]],
    ["maxConnections>100", ["acme-2", "globex", "initech"]],
    ["maxConnections>=100", ["acme", "acme-2", "globex", "initech"]],
    ["maxConnections<1000", ["acme"]],
    ["maxConnections<=1000", ["acme", "acme-2"]],
    ["maxConnections=unlimited", ["globex", "initech"]],
    ["maxConnections=-1", ["globex", "initech"]],
    ["maxEventPayloadInKb", ["acme-2"]],
    ["maxEventPayloadInKb<11", ["acme-2"]],
    ["!maxEventPayloadInKb", ["acme", "globex", "initech", "broken"]],
    ["webhooks", ["acme"]],
    ["!webhooks", ["acme-2", "globex", "initech", "broken"]],
    ["webhooks>1", ["acme"]],
    ["webhooks=https://b.example", ["acme"]],
    ["webhooks~example$", ["acme"]],
    // Its path may be a token: it is not there to be guessed at.
    ["webhooks~t0ken", []],
    ["previousSecretUntil", ["globex"]],
    ["previousSecretUntil<2030-04-01", ["globex"]],
    ["previousSecretUntil<2030-03-01", []],
    ["problems", ["initech", "broken"]],
    ["problems=identity-missing", ["broken"]],
  ])("%s", (condition, ids) => {
    expect(chosen(condition)).toEqual(ids);
  });

  it("have all to be met", () => {
    expect(chosen("id~^acme", "!webhooks")).toEqual(["acme-2"]);
    expect(chosen()).toHaveLength(APPS.length);
  });

  it.each([
    ["", /expected "enabled=false"/],
    ["!enabled=true", /expected "enabled=false"/],
    ["secret=s3cret", /expected one of id, key, enabled, .*; found "secret"/],
    ["AppSecret~^s", /expected one of id/],
    ["enabled=perhaps", /enabled: expected true or false, found "perhaps"/],
    ["enabled>1", /expected = or != with enabled, found >/],
    ["enabled~t", /expected =, !=, >, >=, < or <= with enabled, found ~/],
    ["id>a", /expected = or != or ~ with id, found >/],
    ["id~(", /expected a regular expression, found "\("/],
    ["maxConnections>many", /maxConnections: expected a number, or "unlimited", found "many"/],
    ["webhooks>x", /webhooks: expected a number, found "x"/],
    ["problems=typo", /problems: expected a code .*items\.md\), found "typo"/],
    ["problems!=key-shared", /found "key-shared": "soketi-app-sync validate" finds all others/],
    ["problems=sockudo-no-overlap", /found "sockudo-no-overlap"/],
    ["previousSecretUntil<soon", /expected a time such as .*, found "soon"/],
  ])("%s cannot be read", (condition, message) => {
    expect(() => parseConditions([condition])).toThrow(message);
  });
});

describe("fields", () => {
  const field = (name: string) => fieldNamed(name, "--columns");

  it("hold no secret, in no form", () => {
    const all = APPS.map((one) => FIELDS.map((each) => [jsonOf(each, one), textOf(each, one)]));
    expect(JSON.stringify(all)).not.toMatch(/s3cret|former|t0ken/);
  });

  it("are shown to people", () => {
    const [acme, second, globex] = APPS;
    if (!acme || !second || !globex) throw new Error("expected apps");
    const texts = (one: typeof acme) =>
      ["enabled", "maxConnections", "webhooks", "previousSecretUntil", "problems"].map((name) =>
        textOf(field(name), one),
      );
    expect(texts(acme)).toEqual(["true", "100", "https://a.example, https://b.example", "-", "-"]);
    expect(texts(second)).toEqual(["false", "1000", "-", "-", "-"]);
    expect(texts(globex)).toEqual(["true", "unlimited", "-", "2030-03-17T17:46:40Z", "-"]);
    expect(textOf(field("id"), app("a\nb"))).toBe("a b");
  });

  it("sort: what is absent comes last", () => {
    const sorted = (name: string) => [...APPS].sort(compareBy(field(name))).map(({ id }) => id);
    expect(sorted("id")).toEqual(["acme", "acme-2", "broken", "globex", "initech"]);
    expect(sorted("maxConnections")).toEqual(["acme", "acme-2", "globex", "initech", "broken"]);
    expect(sorted("enabled")).toEqual(["acme-2", "acme", "globex", "initech", "broken"]);
    expect(sorted("webhooks").at(-1)).toBe("acme");
  });
});
