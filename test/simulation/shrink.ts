import { simulateStory, type Verdict } from "./simulate-story.ts";
import type { Story, StoryEvent } from "./story.ts";

/** Tries before a story is short enough. */
const MAX_TRIES = 600;

/**
 * Takes events out of a failing story as long as it fails without them: first large parts, then single events. What is
 * left is not the shortest story there is, but one that a person can read.
 */
export async function shrink(story: Story): Promise<{ story: Story; verdict: Verdict }> {
  let events: readonly StoryEvent[] = story.events;
  let verdict = await simulateStory(story);
  let tries = 0;
  for (
    let size = Math.ceil(events.length / 2);
    size >= 1 && tries < MAX_TRIES;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < events.length && tries < MAX_TRIES;) {
      const fewer = [...events.slice(0, from), ...events.slice(from + size)];
      const found = await simulateStory({ ...story, events: fewer });
      tries += 1;
      if (found.violations.length > 0) {
        events = fewer;
        verdict = found;
      } else from += size;
    }
  }
  return { story: { ...story, events }, verdict };
}
