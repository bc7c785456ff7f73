import { setTimeout as pause } from "node:timers/promises";

/** Resolves after so many milliseconds, or as soon as the signal is aborted. */
export async function pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Asked again after each wait: a compiler takes what a signal was for what it is. */
export function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
