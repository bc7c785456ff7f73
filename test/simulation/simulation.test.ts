import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Mutant, MUTANTS } from "./mutants.ts";
import { Pool, type SeedVerdict, type Seeds } from "./pool.ts";

/** Seeds that are tried for a mutant whose own seed has gone. */
const SEARCHED_SEEDS = 4_000;

const FRESH = 1_000 + (Date.now() % 1_000_000_000);

let pool: Pool;
beforeAll(async () => {
  pool = await Pool.open();
});
afterAll(() => pool.close());

async function verdicts(seeds: Seeds): Promise<SeedVerdict[]> {
  const found: SeedVerdict[] = [];
  await pool.run(seeds, (verdict) => found.push(verdict));
  return found.sort((one, other) => one.seed - other.seed);
}

/** The seed that is known to catch the mutant; where a change of the product made another story of it, the first that does. */
async function firstCaught(mutant: Mutant): Promise<number | undefined> {
  const [known] = await verdicts({ first: mutant.seed, count: 1, mutant });
  if (known && known.violations.length > 0) return known.seed;
  const caught: number[] = [];
  const onVerdict = ({ seed, violations }: SeedVerdict) => {
    if (violations.length > 0) caught.push(seed);
  };
  await pool.run({ first: 0, count: SEARCHED_SEEDS, mutant }, onVerdict, () => caught.length > 0);
  const [seed] = caught;
  if (seed !== undefined)
    console.warn(`mutant "${mutant.name}": seed ${mutant.seed} no longer catches it, ${seed} does`);
  return seed;
}

// Concurrent: one that is told on a processor leaves the other to the next.
describe.concurrent("the simulation", () => {
  it.each([
    ["model", 150, "always the same", 0],
    ["model", 150, "others each time", FRESH],
    ["servers", 25, "always the same", 0],
    ["servers", 25, "others each time", FRESH],
  ] as const)(
    "on the %s: %i stories, %s: nothing that the design promises is violated",
    async (kind, count, _, first) => {
      const found = await verdicts({ first, count, kind });
      expect(found).toHaveLength(count);
      const [failed] = found.filter(({ violations }) => violations.length > 0);
      expect(
        failed,
        failed &&
          `${await pool.tell(failed.seed, kind)}\nnpm run simulate -- --${kind} --seed ${failed.seed}`,
      ).toBe(undefined);
      // What a story asks is answered, and what can go wrong does.
      const sum = (name: "answers" | "replays" | "flushes") =>
        found.reduce((total, one) => total + one[name], 0);
      expect(sum("answers")).toBeGreaterThan(count * 333);
      expect(sum("replays")).toBeGreaterThan(count * 0.13);
      expect(sum("flushes")).toBeGreaterThan(count * 3.3);
    },
  );

  it.each(["model", "servers"] as const)("gives the same for the same seed, on the %s", async (kind) => {
    const first = await verdicts({ first: 7, count: 3, kind });
    expect(await verdicts({ first: 7, count: 3, kind })).toEqual(first);
  });

  // 295, 405, 2635: a number that another server gave again. 913: servers that came back. 1759: a command that had been reported as failed.
  it.each([295, 405, 913, 1_759, 2_635])("on the servers: story %i, which once failed", async (seed) => {
    const [verdict] = await verdicts({ first: seed, count: 1, kind: "servers" });
    expect(verdict?.violations).toEqual([]);
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))("notices when %s", async (_, mutant) => {
    expect(await firstCaught(mutant)).toBeDefined();
  });
});
