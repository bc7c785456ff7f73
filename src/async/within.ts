/** A budget is counted in this many parts: a pause of the process ends one of them, and the answer may have come meanwhile. */
export const PARTS = 10;

/** A limit for one piece of work, or for several in turn. */
export interface Countdown {
  /** Rejects when the time is over. */
  readonly over: Promise<never>;
  stop(): void;
}

/**
 * @param limitMs less than 0 counts as 0.
 * @param late what to reject with.
 * @param parts the limit is counted in this many parts, each by a timer of its own: a process that is paused then loses
 *   one part of it and not the whole, however long it was paused.
 */
export function countdown(limitMs: number, late: () => Error, parts = 1): Countdown {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    const count = (left: number) => {
      if (left > 0) timer = setTimeout(count, Math.max(0, limitMs) / parts, left - 1);
      else reject(late());
    };
    count(parts);
  });
  // Nobody may be waiting for it any more.
  over.catch(() => undefined);
  return { over, stop: () => clearTimeout(timer) };
}

/**
 * The outcome of some work, or an error when it takes too long. The work is not ended by that; what it comes to later is
 * left out of account, a failure too.
 *
 * @param late what to reject with when it takes too long. A text completes "expected … within N s".
 * @param parts as `countdown` has it.
 */
export async function within<T>(
  limitMs: number,
  late: string | (() => Error),
  work: Promise<T>,
  parts = 1,
): Promise<T> {
  const limit = countdown(
    limitMs,
    typeof late === "function" ? late : () => didNotHappen(late, limitMs),
    parts,
  );
  try {
    return await Promise.race([work, limit.over]);
  } finally {
    limit.stop();
  }
}

function didNotHappen(what: string, limitMs: number): Error {
  return new Error(`expected ${what} within ${limitMs / 1_000} s, found it did not happen`);
}
