import { shrink } from "./shrink.ts";
import { simulateStory } from "./simulate-story.ts";
import { createServersStory, createStory, tell } from "./story.ts";

// Stories are full of failures, and nobody looks at where they came from.
Error.stackTraceLimit = 0;

/**
 * `worker KIND FIRST COUNT` runs the stories of some seeds, one line of JSON for each; `worker KIND SEED` tells one that fails,
 * made as short as it gets. The kind is `model` or `servers`.
 */
const create = process.argv[2] === "servers" ? createServersStory : createStory;
const [first = 0, count] = process.argv.slice(3).map(Number);
if (count === undefined) {
  const { story, verdict } = await shrink(create(first));
  process.stdout.write(`${tell(story, true)}\n${verdict.violations.join("\n") || "nothing is violated"}\n`);
} else {
  for (let seed = first; seed < first + count; seed += 1) {
    const verdict = await simulateStory(create(seed));
    process.stdout.write(`${JSON.stringify({ seed, ...verdict })}\n`);
  }
}
