import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../src", import.meta.url));
const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) =>
  /\.tsx?$/.test(file),
);

const CLASS =
  /(?:\/\*\*(?<doc>(?:(?!\*\/)[^])*)\*\/\n)?export class (?<name>\w+) extends Error \{(?<body>[^]*?)\n\}/g;

const classes = sources
  .filter((file) => file.endsWith("errors.ts"))
  .flatMap((file) => [...readFileSync(join(root, file), "utf8").matchAll(CLASS)])
  .map(({ groups }) => ({ name: groups?.name ?? "", doc: groups?.doc ?? "", body: groups?.body ?? "" }));

describe("errors", () => {
  it("finds the classes", () => {
    expect(classes.length).toBeGreaterThan(10);
  });

  it.each(classes)("$name says when it is thrown, and has its own name and a code", ({ name, doc, body }) => {
    expect(doc).toMatch(/Thrown |rejects with it |is told it /);
    expect(body).toContain(`override readonly name = "${name}";`);
    expect(body).toMatch(/readonly code(: string;| = "E_[A-Z_]+";)/);
  });

  it("has each code once", () => {
    const codes = classes.flatMap(({ body }) => /code = "(\w+)"/.exec(body)?.[1] ?? []);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("has them in the errors.ts of their room, and nowhere else", () => {
    const elsewhere = sources.filter(
      (file) =>
        !file.endsWith("errors.ts") &&
        /class \w+ extends Error\b/.test(readFileSync(join(root, file), "utf8")),
    );
    expect(elsewhere).toEqual([]);
  });
});
