/** What each more costs: least squares of y over x, weighted so that the small sizes count as much as the large. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const weights = points.map(([x]) => 1 / x ** 2);
  const sum = (of: (x: number, y: number) => number) =>
    points.reduce((total, [x, y], i) => total + (weights[i] ?? 0) * of(x, y), 0);
  const [w, wx, wy, wxx, wxy] = [
    sum(() => 1),
    sum((x) => x),
    sum((_, y) => y),
    sum((x) => x * x),
    sum((x, y) => x * y),
  ];
  return (w * wxy - wx * wy) / (w * wxx - wx * wx);
}

/** How fast y grows with x: 1 is in proportion, 0 not at all. The slope of log y over log x. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (of: (point: readonly [number, number]) => number) =>
    logs.reduce((total, point) => total + of(point), 0) / logs.length;
  const [mx, my] = [mean(([x]) => x), mean(([, y]) => y)];
  return mean(([x, y]) => (x - mx) * (y - my)) / mean(([x]) => (x - mx) ** 2);
}
