import { createRequire } from "node:module";
import { join } from "node:path";
import { Modules, type Sources } from "./modules.ts";
import type { shrink } from "./shrink.ts";
import type { simulateStory, Verdict } from "./simulate-story.ts";
import type { createServersStory, createStory, tell } from "./story.ts";

/** On the model of Redis, which is fast, or on servers. */
export type StoryKind = "model" | "servers";

/** What a worker is asked for. */
export type Job = { readonly kind: StoryKind } & (
  | {
      readonly do: "run";
      readonly first: number;
      readonly count: number;
      /** Of a mutant: what it changes. A story of it ends where it is noticed. */
      readonly changed?: Sources | undefined;
    }
  /** A story that fails, made as short as it gets. */
  | { readonly do: "tell"; readonly seed: number }
);

export type SeedVerdict = Verdict & { readonly seed: number };

/** What it answers: a verdict for each seed; at the end, how it went. */
export type Answer =
  { readonly verdict: SeedVerdict } | { readonly done: string } | { readonly failed: string };

interface Simulation {
  readonly createStory: typeof createStory;
  readonly createServersStory: typeof createServersStory;
  readonly tell: typeof tell;
  readonly simulateStory: typeof simulateStory;
  readonly shrink: typeof shrink;
}

const [root = "", folder = ""] = process.argv.slice(2);
const modules = new Modules(folder, createRequire(join(root, "package.json")));

function open(load: (file: string) => unknown): Simulation {
  const parts = ["simulate-story.ts", "story.ts", "shrink.ts"].map((name) => load(`test/simulation/${name}`));
  return Object.assign({}, ...parts) as Simulation;
}

const asItIs = open((file) => modules.load(file));

async function work(job: Job): Promise<string> {
  const { createStory, createServersStory, tell, shrink } = asItIs;
  const create = job.kind === "servers" ? createServersStory : createStory;
  if (job.do === "tell") {
    const { story, verdict } = await shrink(create(job.seed));
    return `${tell(story, true)}\n${verdict.violations.join("\n") || "nothing is violated"}\n`;
  }
  const { changed, first, count } = job;
  const { simulateStory } = changed ? open(modules.variant(changed)) : asItIs;
  for (let seed = first; seed < first + count; seed += 1) {
    const verdict = await simulateStory(create(seed), { untilViolated: changed !== undefined });
    answer({ verdict: { seed, ...verdict } });
  }
  return "";
}

function answer(one: Answer): void {
  process.send?.(one);
}

// Stories are full of failures, and nobody looks at where they came from.
Error.stackTraceLimit = 0;

process.on("message", (job: Job) => {
  work(job).then(
    (done) => answer({ done }),
    (error: unknown) => answer({ failed: String(error) }),
  );
});
process.on("disconnect", () => process.exit());
