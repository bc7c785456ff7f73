/** Clocks of two hosts may differ by this much before anything that is shown is wrong. Milliseconds. */
export const CLOCK_TOLERANCE_MS = 1_000;

/** A time between the clocks of two hosts, in milliseconds: 0 where it is slightly negative, null where the clocks must differ. */
export function plausibleLag(ms: number): number | null {
  return ms < -CLOCK_TOLERANCE_MS ? null : Math.max(0, ms);
}
