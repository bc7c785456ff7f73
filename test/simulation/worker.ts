import { shrink } from "./shrink.ts";
import { simulateStory } from "./simulate-story.ts";
import { createStory, tell } from "./story.ts";

/**
 * `worker FIRST COUNT` runs the stories of some seeds, one line of JSON for each; `worker SEED` tells one that fails, made
 * as short as it gets.
 */
const [first = 0, count] = process.argv.slice(2).map(Number);
if (count === undefined) {
  const { story, verdict } = await shrink(createStory(first));
  process.stdout.write(`${tell(story, true)}\n${verdict.violations.join("\n") || "nothing is violated"}\n`);
} else {
  for (let seed = first; seed < first + count; seed += 1) {
    const verdict = await simulateStory(createStory(seed));
    process.stdout.write(`${JSON.stringify({ seed, ...verdict })}\n`);
  }
}
