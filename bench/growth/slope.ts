type Points = readonly (readonly [x: number, y: number])[];

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What each more costs: least squares of y over x. The largest sizes count most, as they stand out most from the noise. */
export function slope(points: Points): number {
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  return mean(points.map(([x, y]) => (x - mx) * (y - my))) / mean(points.map(([x]) => (x - mx) ** 2));
}

/** How fast y grows with x: 1 is in proportion, 0 not at all. Of what could be told from nothing. */
export function exponent(points: Points): number {
  return slope(positive(points).map(([x, y]) => [Math.log(x), Math.log(y)]));
}

/** A difference of two measurements may come out below nothing. */
export function positive(points: Points): Points {
  return points.filter(([, y]) => y > 0);
}
