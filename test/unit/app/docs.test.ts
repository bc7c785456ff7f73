import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FLAGS, LIMITS, WEBHOOK_EVENT_TYPES } from "../../../src/app/app.ts";
import { PROBLEM_CODES } from "../../../src/app/normalize.ts";
import { OVERLAP_ATTRIBUTES } from "../../../src/app/normalize-overlap.ts";
import { SPELLINGS } from "../../../src/app/spellings.ts";

const sections = readFileSync(new URL("../../../docs/reference/items.md", import.meta.url), "utf8").split(
  "\n## ",
);
/** The rows of the tables of a section whose first cell is a name in code: that name, and the other cells. */
function rows(title: string): Map<string, string[]> {
  const section = sections.find((one) => one.startsWith(`${title}\n`)) ?? "";
  const cells = section.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const named = cells.filter(([, name = ""]) => /^`[^`]+`$/.test(name));
  return new Map(named.map(([, name = "", ...rest]) => [name.slice(1, -1), rest.slice(0, -1)]));
}
const attributes = rows("Attributes");
const codes = rows("Problem codes");

describe("docs/reference/items.md", () => {
  it.each(["AppId", "AppKey", "AppSecret", ...OVERLAP_ATTRIBUTES, "Webhooks"])(
    "has a row for %s",
    (attribute) => {
      expect(attributes.get(attribute)).toHaveLength(3);
    },
  );
  it.each(FLAGS)("has $attribute and its default", ({ attribute, default: fallback }) => {
    expect(attributes.get(attribute)).toEqual([expect.anything(), String(fallback), `taken as ${fallback}`]);
  });
  it.each(LIMITS)("has $attribute, its default, and whether it may be a fraction", (limit) => {
    const [forms, fallback] = attributes.get(limit.attribute) ?? [];
    expect(fallback).toBe(limit.unset === "unlimited" ? "no limit" : "the server's");
    expect(forms?.includes("fraction")).toBe(limit.fraction);
  });
  it.each(Object.entries(PROBLEM_CODES))("explains %s, %s", (code, severity) => {
    expect(codes.get(code)).toEqual([severity, expect.stringMatching(/./), expect.stringMatching(/./)]);
  });
  it("names no code that does not exist", () => {
    expect([...codes.keys()].sort()).toEqual(Object.keys(PROBLEM_CODES).sort());
  });
  it("has every name of every attribute, in soketi's order", () => {
    const names = [...rows("Other names")].map(([attribute, [list = ""]]) => [
      attribute,
      [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    ]);
    expect(Object.fromEntries(names)).toEqual(SPELLINGS);
  });
  it.each(WEBHOOK_EVENT_TYPES)("names the event type %s", (type) => {
    expect(rows("Webhooks").get("event_types")?.join(" ")).toContain(`\`${type}\``);
  });
});
