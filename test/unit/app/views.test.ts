import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/app/app.ts";
import { toItem } from "../../../src/app/item.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { toPublicView, valueAt } from "../../../src/app/public-view.ts";
import { DEFAULTS, FULL } from "./fixtures.ts";

describe("toItem", () => {
  it("leaves out what is not set", () => {
    expect(toItem(DEFAULTS)).toEqual({
      AppId: { S: "id-1" },
      AppKey: { S: "key-1" },
      AppSecret: { S: "secret-1" },
      Enabled: { BOOL: true },
      EnableClientMessages: { BOOL: false },
      EnableUserAuthentication: { BOOL: false },
      MaxConnections: { N: "-1" },
      MaxBackendEventsPerSecond: { N: "-1" },
      MaxClientEventsPerSecond: { N: "-1" },
      MaxReadRequestsPerSecond: { N: "-1" },
    });
  });
  it("writes every limit, and webhooks as soketi reads them", () => {
    const item = toItem(FULL);
    for (const { name, attribute } of LIMITS)
      expect(item[attribute]).toEqual({ N: String(FULL.limits[name]) });
    expect(JSON.parse((item.Webhooks as { S: string }).S)).toMatchObject([
      { event_types: ["client_event", "member_added"] },
      {},
    ]);
  });
  it.each([DEFAULTS, FULL])("is read back as the same app", (app) => {
    expect(normalize(toItem(app))).toEqual({ app, id: "id-1", key: "key-1", problems: [] });
  });
});

describe("toPublicView", () => {
  it("has flags, limits, and what may be known of the webhooks", () => {
    expect(toPublicView(FULL)).toEqual({
      id: "id-1",
      key: "key-1",
      enabled: false,
      enableClientMessages: true,
      enableUserAuthentication: true,
      limits: FULL.limits,
      webhooks: [
        {
          origin: "https://example.com:8443",
          eventTypes: ["client_event", "member_added"],
          filter: { channelNameStartsWith: "a-", channelNameEndsWith: "-z" },
        },
        { lambdaFunction: "notify", eventTypes: ["cache_miss"] },
      ],
    });
  });
});

describe("valueAt", () => {
  const view = toPublicView(FULL);

  it("follows a path by its dots", () => {
    expect(valueAt(view, "key")).toBe(FULL.key);
    expect(valueAt(view, "limits.maxConnections")).toBe(FULL.limits.maxConnections);
  });
  it("is undefined where the path leads nowhere", () => {
    expect(valueAt(view, "secret")).toBeUndefined();
    expect(valueAt(view, "secret.of.it")).toBeUndefined();
    expect(valueAt(undefined, "limits.maxConnections")).toBeUndefined();
  });
});
