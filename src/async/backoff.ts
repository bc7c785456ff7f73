/** The pause before the attempt with this number, from 1: twice as long each time, up to a limit. Milliseconds. */
export function backoff(attempt: number, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 20));
}
