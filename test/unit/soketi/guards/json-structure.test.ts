import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxStructureOf, structureFaultOf } from "../../../../src/soketi/guards/json-structure.ts";

const faultOf = (text: string, maxStructure = 1_000_000) => structureFaultOf(Buffer.from(text), maxStructure);
const deep = (levels: number) => `${'{"a":['.repeat(levels / 2)}1${"]}".repeat(levels / 2)}`;

/** As its definition says, from the parsed value. */
function structureOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const isList = Array.isArray(value);
  const children: unknown[] = isList ? value : Object.values(value);
  const own = 2 + Math.max(0, children.length - 1) + (isList ? 0 : children.length);
  return children.reduce((sum: number, child) => sum + structureOf(child), own);
}

describe("structureFaultOf", () => {
  it("counts levels, not values", () => {
    expect([faultOf(deep(512)), faultOf(deep(514)), faultOf("[".repeat(100_000))]).toEqual([
      undefined,
      "too deep",
      "too deep",
    ]);
    expect(faultOf(`[${"[],".repeat(10_000)}{}]`)).toBeUndefined();
  });

  it("counts nothing in strings, however they are written", () => {
    const text = JSON.stringify({
      a: '[{:,"\\'.repeat(1_000),
      "\\": "\u00e4[\u2028\ud83d\ude00".repeat(1_000),
    });
    expect([faultOf(text, 5), faultOf(text, 4)]).toEqual([undefined, "too much structure"]);
  });

  it("of what is no JSON ends, too", () => {
    for (const text of [
      '"'.repeat(5_001),
      `"${"\\".repeat(5_000)}`,
      `[${" ".repeat(5_000)}`,
      "]".repeat(5_000),
    ]) {
      expect(faultOf(text)).toBeUndefined();
    }
  });

  it("counts every structural character of whatever JSON, to the last", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.integer({ min: 0, max: 2 }), (text, indent) => {
        const value: unknown = JSON.parse(text);
        // Long enough to be looked at.
        const written = JSON.stringify([value, "x".repeat(1_100)], null, indent);
        const structure = structureOf([value, ""]);
        expect(faultOf(written, structure)).toBeUndefined();
        expect(faultOf(`${written.slice(0, -1)},${written.slice(1)}`, structure)).toBe("too much structure");
      }),
    );
  });

  it("goes by what soketi allows", () => {
    expect([maxStructureOf(0), maxStructureOf(100)]).toEqual([16_384, 118_784]);
  });
});
