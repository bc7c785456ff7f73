/**
 * The outcome of some work, or an error when it takes too long. The work is not ended by that; what it comes to later is
 * left out of account, a failure too.
 *
 * @param limitMs less than 0 counts as 0.
 * @param late what to reject with when it takes too long. A text completes "expected … within N s".
 * @param parts the limit is counted in this many parts, each by a timer of its own: a process that is paused then loses
 *   one part of it and not the whole, however long it was paused. Default 1.
 */
export async function within<T>(
  limitMs: number,
  late: string | (() => Error),
  work: Promise<T>,
  parts = 1,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    const count = (left: number) => {
      if (left > 0) timer = setTimeout(count, Math.max(0, limitMs) / parts, left - 1);
      else reject(typeof late === "function" ? late() : didNotHappen(late, limitMs));
    };
    count(parts);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function didNotHappen(what: string, limitMs: number): Error {
  return new Error(`expected ${what} within ${limitMs / 1_000} s, found it did not happen`);
}
