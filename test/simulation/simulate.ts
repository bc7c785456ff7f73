import { parseArgs } from "node:util";
import { MUTANTS } from "./mutants.ts";
import { Pool, type StoryKind } from "./pool.ts";

/**
 * `npm run simulate`: runs stories until one fails, and tells it; first those on the model of Redis, then those on servers.
 *
 * --seeds N    how many of each; default 10,000
 * --first N    the first seed; default one by the clock, so that each run is another
 * --servers    only those on servers, also of the mutants
 * --model      only those on the model, likewise
 * --seed N     only this one, told as short as it gets; of the model, or with --servers
 * --mutants    for each mutant the first seed that catches it, among --seeds
 * --mutant X   the same for those whose name has X in it
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    first: { type: "string" },
    seed: { type: "string" },
    servers: { type: "boolean", default: false },
    model: { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string" },
  },
});

const kinds: readonly StoryKind[] = values.servers
  ? ["servers"]
  : values.model
    ? ["model"]
    : ["model", "servers"];

const pool = await Pool.open();
if (values.seed !== undefined) console.log(await pool.tell(Number(values.seed), kinds[0]));
else if (values.mutants || values.mutant !== undefined)
  await catchMutants(Number(values.seeds), values.mutant ?? "");
else
  for (const kind of kinds)
    await simulate(kind, Number(values.first ?? Date.now() % 1_000_000_000), Number(values.seeds));
await pool.close();

async function simulate(kind: StoryKind, first: number, count: number): Promise<void> {
  const startedAt = Date.now();
  const failed: number[] = [];
  const totals = { stories: 0, answers: 0, hits: 0, lookups: 0, flushes: 0, replays: 0 };
  await pool.run(
    { first, count, kind },
    ({ seed, violations, ...counts }) => {
      totals.stories += 1;
      for (const [name, value] of Object.entries(counts) as [keyof typeof counts, number][])
        totals[name] += value;
      if (violations.length > 0) failed.push(seed);
    },
    () => failed.length > 0,
  );
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0);
  console.log(
    `${kind}: seeds ${first} to ${first + totals.stories - 1} in ${seconds} s: ${JSON.stringify(totals)}`,
  );
  const [seed] = failed;
  if (seed === undefined) {
    console.log("0 violations");
    return;
  }
  console.log(`\nSeed ${seed} fails. As short as it gets:\n\n${await pool.tell(seed, kind)}`);
  console.log(`\nTo see it again: npm run simulate -- --${kind} --seed ${seed}`);
  process.exitCode = 1;
}

async function catchMutants(count: number, named: string): Promise<void> {
  const searched = MUTANTS.filter(({ name, kind = "model" }) => name.includes(named) && kinds.includes(kind));
  for (const mutant of searched) {
    const caught: number[] = [];
    await pool.run(
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
