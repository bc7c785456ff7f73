import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLAGS, LIMITS, WEBHOOK_EVENT_TYPES } from "../../../src/app/app.ts";
import { diff } from "../../../src/app/diff.ts";
import { toItem } from "../../../src/app/item.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { toPublicView } from "../../../src/app/public-view.ts";
import { OVERLAP_ATTRIBUTES } from "../../../src/app/normalize-overlap.ts";
import { SPELLINGS } from "../../../src/app/spellings.ts";
import { toSoketi } from "../../../src/app/soketi-shape.ts";
import { realApp } from "./fixtures.ts";
import { MARKER, secretWebhooks, shaped } from "./secret-values.ts";

const ATTRIBUTES: readonly string[] = [...Object.values(SPELLINGS).flat(), ...OVERLAP_ATTRIBUTES];

const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "",
    "true",
    "FALSE",
    "0",
    "-1",
    "12.5",
    "1e999",
    "NaN",
    "__proto__",
    "constructor",
    "[]",
    "[null]",
  ),
  fc.json(),
);
const bytes = fc.oneof(
  text.map((value) => Buffer.from(value).toString("base64")),
  fc.uint8Array(),
  fc.uint8Array().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  fc.uint8Array().map((value) => JSON.parse(JSON.stringify(Buffer.from(value))) as unknown),
  text,
);

/** Any attribute value, each part of which may be anything else. */
const { value: hostileValue } = fc.letrec<{ value: unknown; name: string }>((tie) => ({
  name: fc.oneof(
    fc.string(),
    fc.constantFrom("__proto__", "constructor", "url", "event_types", "headers", "lambda"),
  ),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ S: text }),
    fc.record({ N: fc.oneof(text, fc.double().map(String), fc.bigInt().map(String)) }),
    fc.record({ B: bytes }),
    fc.record({ BOOL: fc.oneof(fc.boolean(), fc.anything()) }),
    fc.record({ NULL: fc.oneof(fc.boolean(), fc.anything()) }),
    fc.record({ SS: fc.oneof(fc.array(text), fc.anything()) }),
    fc.record({ BS: fc.array(bytes) }),
    fc.record({ L: fc.array(tie("value")) }),
    fc.record({ M: fc.dictionary(tie("name"), tie("value")) }),
    fc.anything({
      withBigInt: true,
      withDate: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
  ),
}));

const hostileItem = fc.oneof(
  fc.anything({ withNullPrototype: true }),
  fc.dictionary(
    fc.oneof(fc.constantFrom(...ATTRIBUTES, "__proto__", "constructor", "aws:rep:x"), fc.string()),
    hostileValue,
  ),
);

/** Near a real webhook: each field usable, of another type, or missing. */
const plainWebhook = fc.record(
  {
    url: fc.oneof(fc.webUrl({ withQueryParameters: true }), text, fc.anything()),
    lambda_function: fc.oneof(fc.constantFrom("f", "arn:aws:lambda:x"), fc.anything()),
    event_types: fc.oneof(
      fc.array(fc.constantFrom<unknown>(...WEBHOOK_EVENT_TYPES, "x", null)),
      fc.constant("cache_miss"),
    ),
    headers: fc.oneof(
      fc.dictionary(fc.constantFrom("A", "__proto__", "X Y", "c-d"), fc.jsonValue()),
      fc.jsonValue(),
    ),
    filter: fc.oneof(
      fc.constant({ channel_name_starts_with: "a" }),
      fc.record({ channel_name_ends_with: fc.jsonValue() }),
    ),
    lambda: fc.oneof(
      fc.record({
        async: fc.jsonValue(),
        region: fc.jsonValue(),
        client_options: fc.dictionary(fc.string(), fc.jsonValue()),
      }),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: ["event_types"] },
);
const webhooksText = fc.array(plainWebhook).map((webhooks) => {
  try {
    return { S: JSON.stringify(webhooks) };
  } catch {
    return { S: "[" };
  }
});
const number = fc
  .oneof(fc.integer(), fc.double(), fc.constantFrom(0, -1, 1e21))
  .map((value) => ({ N: String(value) }));
const flag = fc.oneof(
  fc.record({ BOOL: fc.boolean() }),
  fc.constantFrom("true", "no", "Off", "?").map((word) => ({ B: Buffer.from(word).toString("base64") })),
);
const nearItem = fc.record(
  {
    AppId: fc.record({ S: fc.string({ minLength: 1 }) }),
    AppKey: fc.record({ S: fc.string({ minLength: 1 }) }),
    AppSecret: fc.record({ S: fc.string({ minLength: 1 }) }),
    AppSecretPrevious: fc.record({ S: fc.string({ minLength: 1 }) }),
    AppSecretPreviousUntil: fc.oneof(number, fc.record({ N: fc.nat().map(String) })),
    Webhooks: fc.oneof(webhooksText, fc.record({ L: fc.array(hostileValue) })),
    ...Object.fromEntries(FLAGS.map(({ attribute }) => [attribute, flag])),
    ...Object.fromEntries(LIMITS.map(({ attribute }) => [attribute, number])),
  },
  { requiredKeys: ["AppId", "AppKey", "AppSecret"] },
);

/** Mutation tests, which run this thousands of times, have fewer. */
const runs = (count: number) => fc.readConfigureGlobal().numRuns ?? count;

describe("normalize, of anything", () => {
  it("never throws, and gives an App that keeps its promises", () => {
    fc.assert(
      fc.property(fc.oneof(hostileItem, nearItem), (item) => {
        const { app, id, key, problems } = normalize(item);
        expect(problems.length).toBeLessThanOrEqual(51);
        if (app === undefined) {
          expect(
            problems.some(({ code }) => /^identity-(missing|unreadable)$|^not-an-item$/.test(code)),
          ).toBe(true);
          return;
        }
        expect([app.id, app.key]).toEqual([id, key]);
        expect(app.id !== "" && app.key !== "" && app.secret !== "").toBe(true);
        for (const { name, unset } of LIMITS) {
          const limit = app.limits[name];
          if (unset === "server-default" && limit === undefined) continue;
          expect(limit).toBeGreaterThanOrEqual(unset === "unlimited" ? -1 : 0);
          expect(Object.is(limit, -0)).toBe(false);
        }
        for (const webhook of app.webhooks) expect(webhook.eventTypes.length).toBeGreaterThan(0);
        expect(() => realApp(toSoketi(app))).not.toThrow();
        expect(() => JSON.stringify(toPublicView(app))).not.toThrow();
      }),
      { numRuns: runs(2_000) },
    );
  });

  it("said once is said for good: the canonical item means the same, with no problem", () => {
    let apps = 0;
    fc.assert(
      fc.property(nearItem, (item) => {
        const first = normalize(item);
        if (first.app === undefined) return;
        apps += 1;
        const second = normalize(toItem(first.app));
        expect(second.app).toEqual(first.app);
        expect(second.problems.filter(({ code }) => code !== "max-connections-zero")).toEqual([]);
        expect(diff(first, second)).toBeUndefined();
        expect(toItem(second.app ?? first.app)).toStrictEqual(toItem(first.app));
      }),
      { numRuns: runs(1_000) },
    );
    expect(apps).toBe(runs(1_000));
  });
});

describe("secrets", () => {
  it("are in no problem and in no public view, wherever they were written", () => {
    let views = 0;
    let overlaps = 0;
    // A share of so few as the mutation run makes says nothing.
    const items = Math.max(600, runs(2_000));
    const secretItem = fc.record(
      {
        AppId: fc.constant({ S: "id" }),
        AppKey: fc.constantFrom<unknown>({ S: "key" }, { B: "?" }),
        AppSecret: fc.oneof(fc.constant({ S: MARKER }), shaped(MARKER)),
        secret: fc.oneof(fc.constant({ S: MARKER }), shaped(MARKER)),
        AppSecretPrevious: fc.oneof(fc.constant({ S: `${MARKER}0` }), shaped(MARKER)),
        AppSecretPreviousUntil: fc.oneof(
          fc.constant({ N: "1800000000" }),
          shaped(`7070717${MARKER}`),
          shaped("7070717"),
        ),
        Webhooks: secretWebhooks,
        webhooks: secretWebhooks,
        Enabled: fc.oneof(fc.constant({ BOOL: true }), shaped(MARKER)),
        enabled: shaped(MARKER),
        MaxConnections: fc.oneof(fc.constant({ N: "1" }), shaped(MARKER), shaped(`7070717${MARKER}`)),
        max_connections: shaped(`7070717${MARKER}`),
      },
      { requiredKeys: ["AppId", "AppKey"] },
    );
    fc.assert(
      fc.property(secretItem, (item) => {
        const { app, problems } = normalize(item);
        expect(JSON.stringify(problems)).not.toContain(MARKER);
        // Nor the number that soketi finds at the beginning of what was not meant to be a limit.
        expect(JSON.stringify(problems)).not.toContain("7070717");
        if (app === undefined) return;
        views += app.webhooks.length > 0 ? 1 : 0;
        overlaps += app.previousSecret ? 1 : 0;
        expect(JSON.stringify(toPublicView(app))).not.toContain(MARKER);
        const { secret: _present, webhooks: _tokens, ...shape } = toSoketi(app);
        expect(JSON.stringify(shape)).not.toContain(MARKER);
      }),
      { numRuns: items },
    );
    expect(views).toBeGreaterThan(items / 20);
    expect(overlaps).toBeGreaterThan(items / 50);
  });
});
