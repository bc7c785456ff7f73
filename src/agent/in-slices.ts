import { nextTurn } from "../async/next-turn.ts";
import type { MonotonicClock } from "./ports.ts";

/** The event loop is given back after this long. Milliseconds. */
const SLICE_MS = 2;

/** Does something with each of many items, in order, and gives the event loop back in between. */
export async function inSlices<T>(
  items: Iterable<T>,
  clock: MonotonicClock,
  work: (item: T) => void,
): Promise<void> {
  let until = clock() + SLICE_MS;
  for (const item of items) {
    work(item);
    if (clock() < until) continue;
    await nextTurn();
    until = clock() + SLICE_MS;
  }
}
