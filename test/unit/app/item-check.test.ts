import { describe, expect, it } from "vitest";
import { checkItem } from "../../../src/app/item-check.ts";
import { repaired } from "../../../src/app/repair.ts";
import { IDENTITY } from "./fixtures.ts";

const UNTIL = 1_800_000_000;
const OVERLAP = { AppSecretPrevious: { S: "former" }, AppSecretPreviousUntil: { N: String(UNTIL) } };
const MARGIN_S = 300;
const GONE = ["AppSecretPrevious", "AppSecretPreviousUntil"].map((attribute) => ({
  attribute,
  value: undefined,
}));

const check = (more: object, overForS: number) =>
  checkItem({ ...IDENTITY, ...OVERLAP, ...more }, (UNTIL + overForS) * 1_000);

describe("an overlap in an item", () => {
  it("is no finding until its last second is over", () => {
    expect(check({}, -0.001)).toMatchObject({ repairs: [], findings: [] });
    expect(check({}, 0).findings).toMatchObject([{ code: "overlap-over", severity: "warning" }]);
  });

  it("is removed when it is over by every clock that AWS accepts, and not before", () => {
    const before = check({}, MARGIN_S - 0.001);
    expect([before.repairs, before.findings]).toMatchObject([[], [{ fixable: false }]]);
    const after = check({}, MARGIN_S);
    expect([after.repairs, after.findings]).toMatchObject([GONE, [{ fixable: true }]]);
    expect(JSON.stringify(after.findings)).not.toContain("former");
  });

  it("is removed beside what is spelled otherwise, and beside what only the owner can repair", () => {
    const { repairs } = check({ Enabled: { S: "no" }, MaxConnections: { S: "many" } }, MARGIN_S);
    const attributes = repairs.map(({ attribute }) => attribute);
    expect(attributes).toEqual(["Enabled", "AppSecretPrevious", "AppSecretPreviousUntil"]);
  });

  it("is nothing that is found again, once it is removed", () => {
    const item = { ...IDENTITY, ...OVERLAP };
    const now = (UNTIL + MARGIN_S) * 1_000;
    const after = repaired(item, checkItem(item, now).repairs);
    expect(after).toEqual(IDENTITY);
    expect(checkItem(after, now)).toMatchObject({ repairs: [], findings: [] });
  });
});

describe("a finding", () => {
  it("says of each problem whether the repairs take it away, and of each repair what it does", () => {
    const { findings } = check({ Enabled: { S: "no" }, MaxConnections: { S: "many" } }, 0);
    expect(findings.map(({ attribute, code, fixable }) => [attribute, code, fixable])).toEqual([
      ["MaxConnections", "limit-unreadable", false],
      ["Enabled", "flag-not-bool", true],
      ["AppSecretPrevious", "overlap-over", false],
    ]);
    expect(findings.at(-1)?.message).toBe(
      "The overlap ended at 2027-01-15T08:00:00Z. Remove it: apps end-overlap id-1.",
    );
    expect(findings.every(({ message }) => message !== "")).toBe(true);
    const spaced = checkItem({ ...IDENTITY, Enabled: { S: " no" } }, 0).findings;
    expect(spaced.map(({ code, fixable }) => [code, fixable])).toEqual([
      ["surrounding-space", true],
      ["flag-not-bool", true],
    ]);
  });

  it("is none of an app without an overlap", () => {
    expect(checkItem(IDENTITY, 0)).toMatchObject({ repairs: [], findings: [] });
  });
});
