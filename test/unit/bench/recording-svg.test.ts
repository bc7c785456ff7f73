import { describe, expect, it } from "vitest";
import { recordingSvg } from "../../../bench/recording-svg.ts";

const delays = (svg: string) => [...svg.matchAll(/animation-delay:([\d.]+)s/g)].map(([, s]) => Number(s));

describe("recordingSvg", () => {
  it("lets lines appear at their pace, and has nobody wait for longer than 1.2 s", () => {
    const svg = recordingSvg([
      { atMs: 0, text: "$ npm start" },
      { atMs: 300, text: "Starting ..." },
      { atMs: 60_300, text: "started" },
    ]);
    expect(delays(svg)).toEqual([0, 0.3, 1.5]);
  });

  it("shows text as it is, whatever is in it", () => {
    expect(recordingSvg([{ atMs: 0, text: `{"S":"<&>"}` }])).toContain(`>{"S":"&lt;&amp;&gt;"}</text>`);
  });

  it("is as large as its longest line and all of its lines", () => {
    const size = (svg: string) => /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.slice(1).map(Number);
    const short = size(recordingSvg([{ atMs: 0, text: "short" }]));
    const long = size(
      recordingSvg([
        { atMs: 0, text: "a much longer line" },
        { atMs: 0, text: "" },
      ]),
    );
    expect(long?.[0]).toBeGreaterThan(short?.[0] ?? Infinity);
    expect(long?.[1]).toBeGreaterThan(short?.[1] ?? Infinity);
  });
});
