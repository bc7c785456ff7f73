/** For a table: 0, or how often each kind of failure happened. */
export function failuresText(counts: Readonly<Record<string, number>>): string {
  const found = Object.entries(counts).filter(([, count]) => count > 0);
  return found.map(([kind, count]) => `${count} ${kind}`).join(", ") || "0";
}
