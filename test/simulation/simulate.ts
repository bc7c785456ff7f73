import { parseArgs } from "node:util";
import { MUTANTS } from "./mutants.ts";
import { runSeeds, tellSeed } from "./pool.ts";

/**
 * `npm run simulate`: runs stories until one fails, and tells it.
 *
 * --seeds N    how many; default 10,000
 * --first N    the first seed; default one by the clock, so that each run is another
 * --seed N     only this one, told as short as it gets
 * --mutants    for each mutant the first seed that catches it, among --seeds
 * --mutant X   the same for those whose name has X in it
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    first: { type: "string" },
    seed: { type: "string" },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string" },
  },
});

if (values.seed !== undefined) console.log(await tellSeed(Number(values.seed)));
else if (values.mutants || values.mutant !== undefined)
  await catchMutants(Number(values.seeds), values.mutant ?? "");
else await simulate(Number(values.first ?? Date.now() % 1_000_000_000), Number(values.seeds));

async function simulate(first: number, count: number): Promise<void> {
  const startedAt = Date.now();
  const failed: number[] = [];
  const totals = { stories: 0, answers: 0, hits: 0, lookups: 0, flushes: 0, replays: 0 };
  await runSeeds(
    { first, count },
    ({ seed, violations, ...counts }) => {
      totals.stories += 1;
      for (const [name, value] of Object.entries(counts) as [keyof typeof counts, number][])
        totals[name] += value;
      if (violations.length > 0) failed.push(seed);
    },
    () => failed.length > 0,
  );
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0);
  console.log(`seeds ${first} to ${first + totals.stories - 1} in ${seconds} s: ${JSON.stringify(totals)}`);
  const [seed] = failed;
  if (seed === undefined) {
    console.log("0 violations");
    return;
  }
  console.log(`\nSeed ${seed} fails. As short as it gets:\n\n${await tellSeed(seed)}`);
  console.log(`\nTo see it again: npm run simulate -- --seed ${seed}`);
  process.exitCode = 1;
}

async function catchMutants(count: number, named: string): Promise<void> {
  for (const mutant of MUTANTS.filter(({ name }) => name.includes(named))) {
    const caught: number[] = [];
    await runSeeds(
      { first: 0, count, mutant },
      ({ seed, violations }) => {
        if (violations.length > 0) caught.push(seed);
      },
      () => caught.length > 0,
    );
    if (caught.length === 0) process.exitCode = 1;
    console.log(`${caught.length === 0 ? "MISSED" : `seed ${Math.min(...caught)}`}: ${mutant.name}`);
  }
}
