import { type RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Point } from "../series.ts";

type Numbers = (number | null)[];

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** Which `--line-…` of the page's style. */
  readonly color: 1 | 2 | 3;
  readonly dash?: number[];
  readonly of: (point: Point) => number | null;
}

const HEIGHT = 180;

/** A console that has just begun has few points: they are not stretched over the whole width. */
const MIN_SECONDS = 120;

/** Draws lines into an element and keeps them up to date. @returns what the element is to have as `ref`. */
export function usePlot(lines: readonly Line[], points: readonly Point[]): RefObject<HTMLDivElement> {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const drawn = [...lines].reverse();
  const data = [points.map(({ at }) => at / 1_000), ...drawn.map(({ of }) => points.map(of))] as [
    number[],
    ...Numbers[],
  ];
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        options(element, lines, () => latest.current[0]),
        latest.current,
        element,
      );
    };
    draw();
    const observer = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    // Colors are of the scheme: another one is drawn anew.
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      scheme.removeEventListener("change", draw);
      observer.disconnect();
      plot.current?.destroy();
    };
  }, [lines]);
  useEffect(() => {
    plot.current?.setData(data);
  });
  return place;
}

/** uPlot makes nothing of one point. Seconds. */
function spanOf(times: readonly number[]): [number, number] {
  const end = times.at(-1) ?? Date.now() / 1_000;
  return [Math.min(times[0] ?? end, end - MIN_SECONDS), end];
}

function options(
  element: HTMLElement,
  lines: readonly Line[],
  times: () => readonly number[],
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--quiet"),
    grid: { stroke: color("--border"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: () => spanOf(times()) },
      y: { range: (_plot, _min, max) => [0, Math.max(10, (Number.isFinite(max) ? max : 0) * 1.1)] },
    },
    padding: [8, 28, 0, 0],
    axes: [
      { ...axis, space: 80, size: 32, values: (_plot, splits) => splits.map(clockTime) },
      { ...axis, size: (_plot, values) => widthOf(values) },
    ],
    series: [
      {},
      // The first is drawn on top.
      ...[...lines].reverse().map(({ label, color: number, dash = [] }) => ({
        label,
        stroke: color(`--line-${number}`),
        width: 2,
        points: { show: true, size: 4 },
        dash,
      })),
    ],
  };
}

/** The labels' width decides: a fixed one cuts off what has five digits. Pixels, at the page's 12 of a label. */
function widthOf(labels: readonly (string | null)[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => label?.length ?? 0));
  return Math.max(44, 18 + 8 * longest);
}

function clockTime(seconds: number): string {
  return new Date(seconds * 1_000).toTimeString().slice(0, 8);
}
