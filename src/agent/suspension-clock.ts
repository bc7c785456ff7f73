import type { MonotonicClock } from "./ports.ts";

/**
 * How far the wall clock may get ahead of the monotonic one before that is a suspension: they are not read at the same
 * instant. Time synchronization that slews has both run faster or slower alike. Milliseconds.
 */
const TOLERANCE_MS = 50;

/**
 * A monotonic clock that goes on while the machine is suspended. The one of the system stands still then, on Linux and on
 * macOS, in a laptop that is closed as in a virtual machine that is stopped and resumed; leases would go on afterwards as
 * if nothing had happened. The wall clock does not stand still, or is set right after the resumption: when it gets ahead
 * of the monotonic clock, by however many steps, that time has passed here too.
 *
 * Invariant: it is never behind the monotonic clock, and never goes back. A wall clock that is set forward looks like a
 * suspension, and costs a read of each app; one that is set back is no reason to believe anything for longer.
 *
 * @param clocks in milliseconds.
 */
export function createSuspensionClock(clocks: {
  readonly monotonic: MonotonicClock;
  readonly wall: () => number;
}): MonotonicClock {
  let suspendedMs = 0;
  /** Of the wall clock: the smallest since the last suspension, so that many short ones add up to one that counts. */
  let offset = clocks.wall() - clocks.monotonic();
  return () => {
    const now = clocks.monotonic();
    const offsetNow = clocks.wall() - now;
    if (offsetNow - offset > TOLERANCE_MS) {
      suspendedMs += offsetNow - offset;
      offset = offsetNow;
    } else {
      offset = Math.min(offset, offsetNow);
    }
    return now + suspendedMs;
  };
}
