import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FLAGS, LIMITS, WEBHOOK_EVENT_TYPES } from "../../../src/app/app.ts";
import { PROBLEM_CODES } from "../../../src/app/normalize.ts";

const lines = readFileSync(new URL("../../../docs/normalization.md", import.meta.url), "utf8").split("\n");
/** The cells of the table row that begins with a name in code. */
const row = (name: string) =>
  lines
    .filter((line) => line.startsWith(`| \`${name}\` `))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .flatMap((cells) => cells.slice(2, -1));

describe("docs/normalization.md", () => {
  it.each(["AppId", "AppKey", "AppSecret", "Webhooks"])("has a row for %s", (attribute) => {
    expect(row(attribute)).toHaveLength(3);
  });
  it.each(FLAGS)("has $attribute and its default", ({ attribute, default: fallback }) => {
    expect(row(attribute)).toEqual([expect.anything(), String(fallback), `taken as ${fallback}`]);
  });
  it.each(LIMITS)("has $attribute, its default, and whether it may be a fraction", (limit) => {
    const [forms, fallback] = row(limit.attribute);
    expect(fallback).toBe(limit.unset === "unlimited" ? "no limit" : "the server's");
    expect(forms?.includes("fraction")).toBe(limit.fraction);
  });
  it.each(Object.entries(PROBLEM_CODES))("explains %s, %s", (code, severity) => {
    expect(row(code)).toEqual([severity, expect.stringMatching(/./), expect.stringMatching(/./)]);
  });
  it("names no code that does not exist", () => {
    const start = lines.indexOf("## Problem codes");
    const end = lines.findIndex((line, index) => index > start && line.startsWith("## "));
    const named = lines.slice(start, end).flatMap((line) => /^\| `([a-z-]+)`/.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual(Object.keys(PROBLEM_CODES).sort());
  });
  it.each(WEBHOOK_EVENT_TYPES)("names the event type %s", (type) => {
    expect(row("event_types").join(" ")).toContain(`\`${type}\``);
  });
});
