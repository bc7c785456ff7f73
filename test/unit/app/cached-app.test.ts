import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/app/app.ts";
import { publicViewOfCached, sameAsCached } from "../../../src/app/cached-app.ts";
import { toSoketi } from "../../../src/app/soketi-shape.ts";
import { DEFAULTS, FULL } from "./fixtures.ts";

/** As soketi writes it: every limit is a number, those that are not set with the server's default. */
function cached(app: typeof FULL, more: object = {}): Record<string, unknown> {
  const defaults = Object.fromEntries(
    LIMITS.map(({ name, unset }) => [name, unset === "unlimited" ? -1 : 100]),
  );
  return { ...defaults, ...JSON.parse(JSON.stringify(toSoketi(app))), ...more } as Record<string, unknown>;
}

describe("sameAsCached", () => {
  it("what soketi made of the same app", () => {
    for (const app of [DEFAULTS, FULL]) expect(sameAsCached(app, cached(app))).toBe(true);
  });

  it("limits that are not set may have any default of the server", () => {
    expect(sameAsCached(DEFAULTS, cached(DEFAULTS, { maxChannelNameLength: 7 }))).toBe(true);
    expect(sameAsCached(DEFAULTS, cached(DEFAULTS, { maxChannelNameLength: 0 }))).toBe(true);
  });

  it.each([
    ["another id", { id: "x" }],
    ["another key", { key: "x" }],
    ["another secret", { secret: "x" }],
    ["another flag", { enabled: false }],
    ["a flag that soketi takes for true", { enableClientMessages: { type: "Buffer", data: [102] } }],
    ["webhooks", { webhooks: [{ url: "https://h.example.com", event_types: ["client_event"] }] }],
    ["no webhooks at all where there are none is the same", { webhooks: undefined }, true],
    ["a rate", { maxConnections: 5 }],
    ["a rate of none", { maxConnections: -1 }, true],
    ["a negative limit, which soketi takes literally", { maxChannelNameLength: -1 }],
    ["a rate of none, as it was written", { maxConnections: "-1" }, true],
    ["a rate of another number, as it was written", { maxConnections: "7 or so" }],
    ["a limit that soketi could not read", { maxBackendEventsPerSecond: null }],
    ["a limit that is missing", { maxEventBatchSize: undefined }],
  ])("%s", (_name, more, expected = false) => {
    expect(sameAsCached(DEFAULTS, cached(DEFAULTS, more))).toBe(expected);
  });

  it("a limit that is set must be the same", () => {
    expect(sameAsCached(FULL, cached(FULL, { maxChannelNameLength: 8 }))).toBe(false);
    expect(sameAsCached(FULL, cached(FULL, { maxConnections: "1,000" }))).toBe(true);
  });
});

describe("publicViewOfCached", () => {
  it("shows what may be shown of an entry, the server's defaults included, and no secret", () => {
    const view = publicViewOfCached(cached(FULL));
    expect(view).toMatchObject({ id: FULL.id, key: FULL.key, enabled: FULL.enabled, limits: FULL.limits });
    expect(view?.webhooks).toHaveLength(FULL.webhooks.length);
    expect(JSON.stringify(view)).not.toContain(FULL.secret);
    expect(publicViewOfCached(cached(DEFAULTS))?.limits.maxChannelNameLength).toBe(100);
  });

  it("reads MaxConnections as soketi does, and leaves out a limit that is no number", () => {
    const limits = publicViewOfCached(
      cached(DEFAULTS, { maxConnections: "7,000", maxChannelNameLength: null }),
    )?.limits;
    expect(limits).toMatchObject({ maxConnections: 7 });
    expect(limits).not.toHaveProperty("maxChannelNameLength");
  });

  it("is nothing for what is no app", () => {
    expect(publicViewOfCached({ id: "a" })).toBeUndefined();
  });
});
