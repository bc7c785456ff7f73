/** What a value is that is not shown: it may be anything. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return "none";
  return Array.isArray(value) ? "a list" : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}
