/** A time that has passed, in milliseconds, as people say it. */
export function ago(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s ago`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min ago` : `${Math.round(ms / 3_600_000)} h ago`;
}
