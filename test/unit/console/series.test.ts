import { describe, expect, it } from "vitest";
import { Series } from "../../../src/console/series.ts";

const T = 1_000_000;

describe("Series", () => {
  it("tells p50, p99 and the longest of each five seconds, and nothing where nothing was", () => {
    const series = new Series();
    for (let lag = 1; lag <= 100; lag += 1) series.lag(lag, T);
    series.lag(-5, T + 5_000);
    const [first, second, third] = series.points(T + 10_000);
    expect(first).toMatchObject({ at: T, p50: 51, p99: 100, max: 100 });
    expect(second).toMatchObject({ at: T + 5_000, p50: 0, max: 0 });
    expect(third).toMatchObject({ p50: null, p99: null, max: null });
  });

  it("counts what is new since a node was asked last, whatever it had counted before", () => {
    const series = new Series();
    series.counted("a", { hits: 1_000, reads: 10 }, T);
    series.counted("a", { hits: 1_050, reads: 15 }, T + 4_999);
    series.counted("b", { hits: 7, reads: 7 }, T + 4_999);
    expect(series.points(T + 5_000)[0]).toMatchObject({ hitsPerSecond: 10, readsPerSecond: 1 });
  });

  it("tells no rate of a bucket that is not full: it would dip", () => {
    const series = new Series();
    series.counted("a", { hits: 0, reads: 0 }, T);
    series.counted("a", { hits: 10, reads: 5 }, T + 1_000);
    expect(series.points(T + 4_999)).toMatchObject([{ hitsPerSecond: null, readsPerSecond: null }]);
    expect(series.points(T + 5_000)[0]).toMatchObject({ hitsPerSecond: 2, readsPerSecond: 1 });
  });

  it("a node that has begun anew counts nothing down", () => {
    const series = new Series();
    series.counted("a", { hits: 1_000, reads: 10 }, T);
    series.counted("a", { hits: 0, reads: 0 }, T + 1_000);
    series.counted("a", { hits: 5, reads: 5 }, T + 2_000);
    expect(series.points(T + 5_000)[0]).toMatchObject({ hitsPerSecond: 1, readsPerSecond: 1 });
  });

  it("keeps ten minutes", () => {
    const series = new Series();
    for (let i = 0; i < 200; i += 1) series.lag(1, T + i * 5_000);
    expect(series.points(T + 199 * 5_000)).toHaveLength(120);
  });
});
