/** @param seconds since 1970. */
export function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(".000", "");
}
