import { simulateStory } from "./simulate-story.ts";
import { createStory } from "./story.ts";

/** Runs the stories of some seeds, given as first and count; one line of JSON for each. */
const [first = 0, count = 1] = process.argv.slice(2).map(Number);
for (let seed = first; seed < first + count; seed += 1) {
  const verdict = await simulateStory(createStory(seed));
  process.stdout.write(`${JSON.stringify({ seed, ...verdict })}\n`);
}
