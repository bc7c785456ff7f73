/** The value below which `share` (0 to 1) of the values lie. @throws RangeError when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (value === undefined) throw new RangeError("quantile: expected at least one value, found none");
  return value;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
