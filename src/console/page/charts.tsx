import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Point } from "../series.ts";

type Numbers = (number | null)[];

interface Line {
  readonly label: string;
  /** Which `--line-…` of the page's style. */
  readonly color: 1 | 2 | 3;
  readonly dash?: number[];
  readonly of: (point: Point) => number | null;
}

const STALENESS: readonly Line[] = [
  { label: "p50", color: 1, of: ({ p50 }) => p50 },
  // Of few changes it is the longest as well: both are seen.
  { label: "p99", color: 2, dash: [6, 6], of: ({ p99 }) => p99 },
  { label: "max", color: 3, of: ({ max }) => max },
];

const READS: readonly Line[] = [
  { label: "saved", color: 1, of: ({ hitsPerSecond }) => hitsPerSecond },
  { label: "made", color: 3, of: ({ readsPerSecond }) => readsPerSecond },
];

export function Charts({ points }: { points: readonly Point[] }) {
  return (
    <section class="charts" aria-label="Charts">
      <Chart
        title="Staleness, ms"
        note="from the function's invocation to the drop, on all nodes"
        lines={STALENESS}
        points={points}
      />
      <Chart
        title="DynamoDB reads per second"
        note="a lookup that a cache has answered is one saved"
        lines={READS}
        points={points}
      />
    </section>
  );
}

const HEIGHT = 180;

/** A console that has just begun has few points: they are not stretched over the whole width. */
const LEAST_SECONDS = 120;

function Chart(props: { title: string; note: string; lines: readonly Line[]; points: readonly Point[] }) {
  const { title, note, lines, points } = props;
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
    // Colours are of the scheme: another one is drawn anew.
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

  return (
    <figure>
      <figcaption>
        <h2>{title}</h2> <span class="quiet">{note}</span>
        <ul class="legend">
          {lines.map(({ label, color, of }) => (
            <li key={label} class={`line-${color}`}>
              {label} <b>{formatted(points, of)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div
        ref={place}
        role="img"
        aria-label={`${title}: ${lines.map(({ label, of }) => `${label} ${formatted(points, of)}`).join(", ")}`}
      />
    </figure>
  );
}

/** The newest that is known. */
function formatted(points: readonly Point[], of: (point: Point) => number | null): string {
  const known = points.map(of).filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return "–";
  return last < 10 && !Number.isInteger(last) ? last.toFixed(1) : String(Math.round(last));
}

/** uPlot makes nothing of one point. Seconds. */
function spanOf(times: readonly number[]): [number, number] {
  const end = times.at(-1) ?? Date.now() / 1_000;
  return [Math.min(times[0] ?? end, end - LEAST_SECONDS), end];
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
      { ...axis, size: 44 },
    ],
    series: [
      {},
      // The first is drawn on top.
      ...[...lines].reverse().map(({ label, color: number, dash }) => ({
        label,
        stroke: color(`--line-${number}`),
        width: 2,
        points: { show: true, size: 4 },
        ...(dash ? { dash } : {}),
      })),
    ],
  };
}

function clockTime(seconds: number): string {
  return new Date(seconds * 1_000).toTimeString().slice(0, 8);
}
