import type { Random } from "./random.ts";
import type { StoryEvent } from "./story.ts";

export function createLookup(random: Random, at: number, nodes: number, app: number): StoryEvent {
  const by = random.pick(["id", "key", "key", "key", "former-key"] as const);
  return { at, kind: "lookup", node: random.integer(0, nodes - 1), app, by, connect: random.chance(0.2) };
}

/** Many of one app, at any time between two. */
export function burst(
  random: Random,
  from: number,
  until: number,
  nodes: number,
  app: number,
  count: number,
): StoryEvent[] {
  return Array.from({ length: count }, () => createLookup(random, random.between(from, until), nodes, app));
}
