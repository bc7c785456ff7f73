import { describe, expect, it } from "vitest";
import { sameAsCached } from "../../../src/app/cached-app.ts";
import { diff } from "../../../src/app/diff.ts";
import { normalize } from "../../../src/app/normalize.ts";
import { toPublicView } from "../../../src/app/public-view.ts";
import { toSoketi } from "../../../src/app/soketi-shape.ts";
import { SECRET_ATTRIBUTES } from "../../../src/app/spellings.ts";
import { DEFAULTS, ENCODINGS, FULL, IDENTITY, realAppFromItem } from "./fixtures.ts";

const UNTIL = 1_800_000_000;
const read = (more: object) => normalize({ ...IDENTITY, ...more });
const OVERLAP = { AppSecretPrevious: { S: "secret-0" }, AppSecretPreviousUntil: { N: String(UNTIL) } };

describe("an overlap", () => {
  it("is both attributes", () => {
    const { app, problems } = read(OVERLAP);
    expect(app).toEqual({ ...DEFAULTS, previousSecret: { secret: "secret-0", until: UNTIL } });
    expect(problems).toEqual([]);
  });

  it("is none without either, and with both empty", () => {
    for (const more of [{}, { AppSecretPrevious: { S: "" }, AppSecretPreviousUntil: { NULL: true } }]) {
      expect(read(more)).toMatchObject({ app: { previousSecret: undefined }, problems: [] });
    }
  });

  it.each(ENCODINGS)("is read from bytes: $name", ({ encode }) => {
    const { app, problems } = read({
      AppSecretPrevious: { B: encode(" secret-0 ") },
      AppSecretPreviousUntil: { B: encode(`${UNTIL}\n`) },
    });
    // A secret is exactly as written.
    expect(app?.previousSecret).toEqual({ secret: " secret-0 ", until: UNTIL });
    expect(problems).toMatchObject([
      { attribute: "AppSecretPrevious", code: "identity-not-text", severity: "warning" },
      { attribute: "AppSecretPreviousUntil", code: "surrounding-space", severity: "warning" },
    ]);
  });

  it.each([
    ["no end", { AppSecretPreviousUntil: undefined }, "AppSecretPreviousUntil", "overlap-incomplete"],
    ["no secret", { AppSecretPrevious: { NULL: true } }, "AppSecretPrevious", "overlap-incomplete"],
    ["a map for a secret", { AppSecretPrevious: { M: {} } }, "AppSecretPrevious", "overlap-unreadable"],
    [
      "bytes that are no text",
      { AppSecretPrevious: { B: Buffer.from([0xff]) } },
      "AppSecretPrevious",
      "overlap-unreadable",
    ],
    ...[
      { N: "-1" },
      { N: "1.5" },
      { S: "tomorrow" },
      { S: "1e9" },
      { S: " " },
      { BOOL: true },
      { L: [] },
    ].map(
      (value) =>
        [
          JSON.stringify(value),
          { AppSecretPreviousUntil: value },
          "AppSecretPreviousUntil",
          "overlap-unreadable",
        ] as const,
    ),
    [
      "milliseconds",
      { AppSecretPreviousUntil: { N: String(UNTIL * 1_000) } },
      "AppSecretPreviousUntil",
      "overlap-unreadable",
    ],
  ] as const)("is none, with an error, with %s", (_name, more, attribute, code) => {
    const { app, problems } = read({ ...OVERLAP, ...more });
    expect(app).toEqual(DEFAULTS);
    expect(problems).toMatchObject([{ attribute, code, severity: "error" }]);
    expect(JSON.stringify(problems)).not.toContain("secret-0");
  });

  it.each([
    [
      { AppSecretPrevious: undefined },
      "Expected it beside AppSecretPreviousUntil; found nothing. Remove AppSecretPreviousUntil.",
    ],
    [
      { AppSecretPreviousUntil: undefined },
      "Expected N beside AppSecretPrevious; found nothing. The previous secret is refused. Write AppSecretPreviousUntil, or " +
        "remove AppSecretPrevious.",
    ],
    [{ AppSecretPrevious: IDENTITY.AppSecret }, "The previous secret is the present one. Remove it."],
    [{ AppSecretPrevious: { M: {} } }, "Expected S; found M. The previous secret is refused."],
    [{ AppSecretPrevious: { N: "5" } }, "Expected S; found N, taken as text. Write it as S."],
    [
      { AppSecretPreviousUntil: { BOOL: true } },
      "Expected a whole number of seconds since 1970; found BOOL. The previous secret is refused.",
    ],
    [
      { AppSecretPreviousUntil: { S: ` ${UNTIL}` } },
      "Read without the white space around it. Write it without.",
    ],
    [
      { AppSecretPreviousUntil: { N: "1800000000000" } },
      "Expected seconds since 1970; found a number of 13 digits: milliseconds? The previous secret is refused.",
    ],
  ])("says what is wrong with %j, and what to do", (more, message) => {
    expect(read({ ...OVERLAP, ...more }).problems).toMatchObject([{ message }]);
  });

  it("ends in seconds up to the year 5138, and not in the first after that", () => {
    const until = (seconds: number) => read({ ...OVERLAP, AppSecretPreviousUntil: { N: String(seconds) } });
    expect(until(99_999_999_999).app?.previousSecret?.until).toBe(99_999_999_999);
    expect(until(100_000_000_000).app?.previousSecret).toBeUndefined();
  });

  it("is none, with a warning, with the present secret", () => {
    const { app, problems } = read({ ...OVERLAP, AppSecretPrevious: IDENTITY.AppSecret });
    expect(app).toEqual(DEFAULTS);
    expect(problems).toMatchObject([{ code: "overlap-same-secret", severity: "warning" }]);
  });
});

describe("the previous secret", () => {
  it("is in no view, not in soketi's shape, and shown nowhere", () => {
    expect(JSON.stringify(toPublicView(FULL))).not.toContain("secret-0");
    expect(JSON.stringify(toSoketi(FULL))).not.toMatch(/secret-0|previous/i);
    expect(SECRET_ATTRIBUTES.has("AppSecretPrevious")).toBe(true);
  });

  it("is ignored by soketi", () => {
    expect(realAppFromItem({ ...IDENTITY, ...OVERLAP }).secret).toBe("secret-1");
  });

  it("makes no cached entry another: soketi's have none", () => {
    const cached = { ...toSoketi(DEFAULTS), ...DEFAULTS.limits };
    const always = Object.fromEntries(
      Object.keys(FULL.limits).map((name) => [name, cached[name as keyof typeof cached] ?? 100]),
    );
    const before = { ...DEFAULTS, previousSecret: { secret: "secret-0", until: UNTIL } };
    expect(sameAsCached(before, { ...cached, ...always })).toBe(true);
  });

  it.each([
    ["begins", IDENTITY, { ...IDENTITY, ...OVERLAP }],
    ["ends", { ...IDENTITY, ...OVERLAP }, IDENTITY],
    [
      "ends later",
      { ...IDENTITY, ...OVERLAP },
      { ...IDENTITY, ...OVERLAP, AppSecretPreviousUntil: { N: "1" } },
    ],
    ["begins with a rotation", { ...IDENTITY, AppSecret: { S: "secret-0" } }, { ...IDENTITY, ...OVERLAP }],
  ])("is called secret where it %s", (_name, before, after) => {
    const difference = diff(normalize(before), normalize(after));
    expect(difference).toMatchObject({ type: "updated", changed: ["secret"] });
  });
});
