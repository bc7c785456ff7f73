import { describe, expect, it } from "vitest";
import { type Mutant, MUTANTS } from "./mutants.ts";
import { runSeeds, type SeedVerdict, tellSeed } from "./pool.ts";

/** Processes are started and bundles made: a mutant takes half a second. */
const LIMIT_MS = 240_000;

/** Seeds that are tried for a mutant whose own seed has gone. */
const SEARCHED_SEEDS = 4_000;

async function verdicts(options: Parameters<typeof runSeeds>[0]): Promise<SeedVerdict[]> {
  const found: SeedVerdict[] = [];
  await runSeeds(options, (verdict) => found.push(verdict));
  return found;
}

/** The seed that is known to catch the mutant; where a change of the product made another story of it, the first that does. */
async function firstCaught(mutant: Mutant): Promise<number | undefined> {
  const [known] = await verdicts({ first: mutant.seed, count: 1, mutant });
  if (known && known.violations.length > 0) return known.seed;
  const caught: number[] = [];
  const onVerdict = ({ seed, violations }: SeedVerdict) => {
    if (violations.length > 0) caught.push(seed);
  };
  await runSeeds({ first: 0, count: SEARCHED_SEEDS, mutant }, onVerdict, () => caught.length > 0);
  const [seed] = caught;
  if (seed !== undefined)
    console.warn(`mutant "${mutant.name}": seed ${mutant.seed} no longer catches it, ${seed} does`);
  return seed;
}

describe("the simulation", () => {
  it.each([
    ["always the same", 0],
    ["others each time", 1_000 + (Date.now() % 1_000_000_000)],
  ])(
    "150 stories, %s: nothing that the design promises is violated",
    async (_, first) => {
      const found = await verdicts({ first, count: 150 });
      expect(found).toHaveLength(150);
      const [failed] = found.filter(({ violations }) => violations.length > 0);
      expect(
        failed,
        failed && `${await tellSeed(failed.seed)}\nnpm run simulate -- --seed ${failed.seed}`,
      ).toBe(undefined);
      // What a story asks is answered, and what can go wrong does.
      const sum = (name: "answers" | "replays" | "flushes") =>
        found.reduce((total, one) => total + one[name], 0);
      expect(sum("answers")).toBeGreaterThan(50_000);
      expect(sum("replays")).toBeGreaterThan(20);
      expect(sum("flushes")).toBeGreaterThan(500);
    },
    LIMIT_MS,
  );

  it("gives the same for the same seed", async () => {
    const first = await verdicts({ first: 7, count: 3 });
    expect(await verdicts({ first: 7, count: 3 })).toEqual(first);
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "notices when %s",
    async (_, mutant) => {
      expect(await firstCaught(mutant)).toBeDefined();
    },
    LIMIT_MS,
  );
});
