import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { normalize } from "../../../../src/app/normalize.ts";
import { toSoketi } from "../../../../src/app/soketi-shape.ts";
import { unmarshallBySoketi } from "../fixtures.ts";
import { ATTRIBUTE_DIFFERENCES, type Difference, FIRST_DIFFERENCES } from "./attribute-differences.ts";
import { type Behaviour, behaviourOf } from "./behaviour.ts";
import { item } from "./items.ts";
import type { Raw } from "./values.ts";
import { WEBHOOK_DIFFERENCES } from "./webhook-differences.ts";
import { listen } from "./webhook-sender.ts";

/*
 * soketi's own App, fed by its own driver, on one side; ours on the other, through soketi's App as well. Whatever clients,
 * publishers or receivers of webhooks could notice must be the same, but for the differences that docs/reference/items.md
 * names: each is applied to what soketi makes of the item, and what comes of it must be ours to the last byte.
 */

const DIFFERENCES: readonly (readonly [string, Difference])[] = Object.entries({
  ...FIRST_DIFFERENCES,
  ...WEBHOOK_DIFFERENCES,
  ...ATTRIBUTE_DIFFERENCES,
});
const ITEMS = 5_000;
const seen = new Map(DIFFERENCES.map(([id]) => [id, 0]));

beforeAll(listen);

/** What soketi does with an item after all differences. Counts those of them that somebody could notice. */
async function behaviourWithDifferences(item: Raw): Promise<Behaviour> {
  let changed: Raw = unmarshallBySoketi(item);
  let behaviour = await behaviourOf(changed);
  for (const [id, change] of DIFFERENCES) {
    const after = await change(changed, item);
    if (after === changed) continue;
    const was = JSON.stringify(behaviour);
    behaviour = await behaviourOf(after);
    if (JSON.stringify(behaviour) !== was) seen.set(id, (seen.get(id) ?? 0) + 1);
    if (after === undefined) break;
    changed = after;
  }
  return behaviour;
}

/** As a Lambda event has it: bytes in base64. */
function asEvent(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return value.map(asEvent);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, asEvent(part)]));
}

describe("soketi's App and ours", () => {
  it(`do the same with ${ITEMS} items, but for the differences that are named`, async () => {
    // Mutation tests, which run this thousands of times, have fewer.
    const runs = fc.readConfigureGlobal().numRuns ?? ITEMS;
    await fc.assert(
      fc.asyncProperty(item, async (attributes) => {
        const { app } = normalize(attributes);
        expect(normalize(asEvent(attributes)).app).toEqual(app);
        const theirs = await behaviourWithDifferences(attributes);
        const ours = await behaviourOf(app && { ...toSoketi(app) });
        expect(ours).toEqual(theirs);
      }),
      { numRuns: runs, seed: 1_612 },
    );
    // A difference that none of all these shows is no difference, or the generator has gone blind.
    if (runs >= ITEMS) expect([...seen].filter(([, items]) => items === 0).map(([id]) => id)).toEqual([]);
  });

  it("differ as docs/reference/items.md says, and in nothing else", () => {
    const text = readFileSync(new URL("../../../../docs/reference/items.md", import.meta.url), "utf8");
    const section = text.split("\n## ").find((part) => part.startsWith("Differences from soketi")) ?? "";
    const named = [...section.matchAll(/^\| `([a-z-0-9]+)` +\|/gm)].map(([, id]) => id);
    expect(named.sort()).toEqual(DIFFERENCES.map(([id]) => id).sort());
  });
});
