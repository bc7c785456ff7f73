import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const css = readFileSync(new URL("../../../src/console/page/app.css", import.meta.url), "utf8");

/** The custom properties of the nth `:root`. */
function palette(index: number): Record<string, string> {
  const block = css.split(":root {")[index + 1]?.split("}")[0] ?? "";
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+): #(\w{6})/g)].map(([, name = "", hex = ""]) => [name, hex]),
  );
}

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [0, 2, 4].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** What is written on what, and the least contrast: 4.5 for text, 3 for lines. */
const PAIRS: readonly (readonly [string, string, number])[] = [
  ...["text", "quiet", "good", "warn", "bad", "accent"].map((name) => [name, "surface", 4.5] as const),
  ...["text", "quiet", "bad", "warn"].map((name) => [name, "background", 4.5] as const),
  ...["good", "warn", "bad"].map((name) => [name, `${name}-back`, 4.5] as const),
  ...["line-1", "line-2", "line-3"].map((name) => [name, "surface", 3] as const),
];

it.each(["light", "dark"])("can be read: %s", (scheme) => {
  const colors = { ...palette(0), ...(scheme === "dark" ? palette(1) : {}) };
  for (const [on, off, least] of PAIRS) {
    const found = contrast(colors[on] ?? "", colors[off] ?? "");
    expect(found, `${on} on ${off}`).toBeGreaterThanOrEqual(least);
  }
});
