import { expect, it } from "vitest";
import { simulateStory } from "../simulation/simulate-story.ts";
import { createStory } from "../simulation/story.ts";

/** The simulation, in this process: few stories, because each mutant of the agent is told all of them. */
it.each(Array.from({ length: 25 }, (_, seed) => seed))("story %i", async (seed) => {
  const { violations } = await simulateStory(createStory(seed));
  expect(violations).toEqual([]);
});
