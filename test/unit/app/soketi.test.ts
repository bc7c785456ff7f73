import { describe, expect, it } from "vitest";
import { normalize } from "../../../src/app/normalize.ts";
import { toSoketi } from "../../../src/app/soketi-shape.ts";
import type { App } from "../../../src/app/app.ts";
import {
  DEFAULTS,
  ENCODINGS,
  FULL,
  IDENTITY,
  type RealApp,
  SERVER_LIMITS,
  realApp,
  realAppFromItem,
} from "./fixtures.ts";

/** An item's way through us into soketi's own App. */
function healed(item: unknown): RealApp {
  const { app } = normalize(item);
  if (app === undefined) throw new Error("no app");
  return realApp(toSoketi(app));
}

const optional = Object.keys(SERVER_LIMITS) as (keyof typeof SERVER_LIMITS)[];
const attributeOf = (name: string) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;

// Each row shows first that soketi alone falls into the trap, so that it is noticed when soketi no longer does.
describe("traps of the documented item", () => {
  const falsy: [string, unknown, unknown][] = [
    ...ENCODINGS.map(({ name, encode }): [string, unknown, unknown] => [
      `B ${name}`,
      { B: Buffer.from("false") },
      { B: encode("false") },
    ]),
    ["S", { S: "false" }, { S: "false" }],
  ];
  it.each(falsy)("Enabled false as %s disables", (_name, raw, event) => {
    expect(realAppFromItem({ ...IDENTITY, Enabled: raw }).enabled).toBeTruthy();
    expect(healed({ ...IDENTITY, Enabled: event }).enabled).toBe(false);
  });
  it.each(falsy)("EnableUserAuthentication false as %s is off", (_name, raw, event) => {
    expect(
      realAppFromItem({ ...IDENTITY, EnableUserAuthentication: raw }).enableUserAuthentication,
    ).toBeTruthy();
    expect(healed({ ...IDENTITY, EnableUserAuthentication: event }).enableUserAuthentication).toBe(false);
  });
  it.each(falsy)("EnableClientMessages false as %s is off", (_name, _raw, event) => {
    expect(healed({ ...IDENTITY, EnableClientMessages: event }).enableClientMessages).toBe(false);
  });

  for (const name of optional) {
    it(`${name} -1 is the server's default`, () => {
      const item = { ...IDENTITY, [attributeOf(name)]: { N: "-1" } };
      expect(realAppFromItem(item)[name]).toBe(-1);
      expect(healed(item)[name]).toBe(SERVER_LIMITS[name]);
    });
  }

  const url = "https://example.com";
  it.each([
    ["a webhook without event_types", [{ url }]],
    ["[null]", [null]],
  ])("%s is dropped, and the app works", (_name, webhooks) => {
    const good = { url, event_types: ["client_event"] };
    const item = { ...IDENTITY, Webhooks: { S: JSON.stringify([...webhooks, good]) } };
    expect(() => realAppFromItem(item)).toThrow(TypeError);
    expect(healed(item)).toMatchObject({ key: "key-1", webhooks: [good], hasClientEventWebhooks: true });
  });

  it("a function without lambda gets one", () => {
    const webhook = { lambda_function: "f", event_types: ["cache_miss"] };
    const item = { ...IDENTITY, Webhooks: { S: JSON.stringify([webhook]) } };
    expect(realAppFromItem(item).webhooks[0]).not.toHaveProperty("lambda");
    expect(healed(item).webhooks).toEqual([{ ...webhook, lambda: {} }]);
  });

  it("MaxConnections 0 is kept and reported", () => {
    const item = { ...IDENTITY, MaxConnections: { N: "0" } };
    expect(healed(item).maxConnections).toBe(0);
    expect(normalize(item).problems).toMatchObject([{ code: "max-connections-zero", severity: "warning" }]);
  });

  it("webhooks as a native list of maps work", () => {
    const map = { url: { S: url }, event_types: { L: [{ S: "cache_miss" }] } };
    const item = { ...IDENTITY, Webhooks: { L: [{ M: map }] } };
    expect(realAppFromItem(item).webhooks).toEqual([{ url, event_types: ["cache_miss"] }]);
    expect(healed(item)).toMatchObject({
      webhooks: [{ url, event_types: ["cache_miss"] }],
      hasCacheMissedWebhooks: true,
      hasClientEventWebhooks: false,
    });
  });

  it.each([
    ["AppKey", "key", "app-key"],
    ["AppSecret", "secret", "app-secret"],
  ] as const)(
    "without %s there is no app with a secret that everybody knows",
    (attribute, name, constant) => {
      const item = { ...IDENTITY, [attribute]: undefined };
      Reflect.deleteProperty(item, attribute);
      expect(realAppFromItem(item)[name]).toBe(constant);
      expect(normalize(item).app).toBeUndefined();
    },
  );
});

describe("toSoketi", () => {
  it("is read by soketi as the defaults", () => {
    const app = realApp(toSoketi(DEFAULTS));
    expect(app).toMatchObject({
      id: "id-1",
      key: "key-1",
      secret: "secret-1",
      ...SERVER_LIMITS,
      webhooks: [],
    });
    expect(app).toMatchObject({
      enabled: true,
      enableClientMessages: false,
      enableUserAuthentication: false,
    });
    expect(app).toMatchObject(DEFAULTS.limits);
  });

  it("is read by soketi as it stands", () => {
    const shape = toSoketi(FULL);
    const { toObject } = realApp(shape) as unknown as { toObject: () => unknown };
    expect(toObject.call(realApp(shape))).toEqual(shape);
    expect(shape).toMatchObject({ enabled: false, enableUserAuthentication: true, ...FULL.limits });
    expect(shape.webhooks).toEqual([
      {
        url: "https://user:password@example.com:8443/path?token=query",
        event_types: ["client_event", "member_added"],
        headers: { Authorization: "Bearer header" },
        filter: { channel_name_starts_with: "a-", channel_name_ends_with: "-z" },
      },
      {
        lambda_function: "notify",
        event_types: ["cache_miss"],
        lambda: {
          async: true,
          region: "eu-west-1",
          client_options: { credentials: { secretAccessKey: "option" } },
        },
      },
    ]);
  });

  it("leaves out what is not set", () => {
    const app: App = {
      ...DEFAULTS,
      webhooks: [{ lambdaFunction: "f", eventTypes: ["cache_miss"], lambda: {} }],
    };
    expect(toSoketi(app)).toEqual({
      id: "id-1",
      key: "key-1",
      secret: "secret-1",
      enabled: true,
      enableClientMessages: false,
      enableUserAuthentication: false,
      ...DEFAULTS.limits,
      webhooks: [{ lambda_function: "f", event_types: ["cache_miss"], lambda: {} }],
    });
  });
});
