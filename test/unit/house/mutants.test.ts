import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { MUTANTS } from "../../simulation/mutants.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

// The run that takes each safeguard away is long, and would only then find that its text has changed.
describe("a mutant's text occurs once in its file", () => {
  it.each(
    MUTANTS.flatMap((mutant) =>
      [mutant, mutant.also ?? []].flat().map((edit) => ({ ...edit, name: mutant.name })),
    ),
  )("$name: $file", ({ file, from, to }) => {
    const parts = readFileSync(`${root}/${file}`, "utf8").split(from);
    expect(parts).toHaveLength(2);
    expect(to).not.toBe(from);
  });
});
