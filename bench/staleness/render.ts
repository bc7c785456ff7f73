import { readFileSync, writeFileSync } from "node:fs";
import { axis, COLORS, drawPlot, INK } from "../plot.ts";
import { figure, publish } from "../report.ts";

/** Of one way to keep apps. Times in milliseconds. */
export interface StalenessFigures {
  readonly name: string;
  readonly readsPerMinute: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Apps that were still served as they had been, a minute and more after their change. */
  readonly neverSeen: number;
}

/** Where the name stands beside its point: two of them are close together. */
const LABELS: Readonly<Record<string, string>> = { "soketi's cache, TTL 60 s": "top" };

const seconds = (ms: number) => (ms >= 1_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms)} ms`);
/** A logarithmic axis has no zero. */
const shown = (ms: number) => Math.max(ms, 1) / 1_000;

export function publishStaleness(about: string, found: readonly StalenessFigures[]): void {
  writeFileSync(new URL("../../docs/img/longest.svg", import.meta.url), drawLongest(found));
  publish({
    name: "staleness",
    about,
    tables: [tableOf(found)],
    data: found,
    plot: {
      legend: { show: false },
      grid: { left: 80, right: 40, top: 24, bottom: 56 },
      xAxis: axis({ type: "log", name: "DynamoDB reads a minute", min: 20, max: 10_000 }),
      yAxis: axis({
        type: "log",
        name: "stale after a write, s: p50 to p99, and the longest",
        nameGap: 56,
        max: 1_000,
      }),
      // Ours is blue in all plots.
      series: found.flatMap((one, i) => seriesOf(one, COLORS[one.name === "soketi-app-sync" ? 0 : i + 1])),
    },
  });
}

function tableOf(found: readonly StalenessFigures[]) {
  const columns = [
    "",
    "p50 stale",
    "p99",
    "longest",
    "DynamoDB reads a minute",
    "stale a minute after a cut",
  ];
  const rows = found.map((one) => [
    one.name,
    seconds(one.p50),
    seconds(one.p99),
    seconds(one.max),
    figure(one.readsPerMinute),
    one.neverSeen,
  ]);
  return { columns, rows };
}

/** The top of README: what people choose between, and one message. From the bottom up. */
const COMPARED = ["soketi-app-sync", "BentoCache and its bus", "soketi's cache, TTL 60 s"];

function drawLongest(found: readonly StalenessFigures[]): string {
  const bars = COMPARED.flatMap((name, i) => {
    const one = found.find((figures) => figures.name === name);
    return one ? [{ name, one, color: COLORS[i] ?? INK }] : [];
  });
  return drawPlot(
    {
      legend: { show: false },
      title: {
        text: "Longest that a node served an app as it was before a change",
        textStyle: { color: INK, fontSize: 15 },
        left: 0,
      },
      grid: { left: 170, right: 90, top: 40, bottom: 30 },
      xAxis: axis({ type: "value", axisLabel: { color: INK, formatter: "{value} s" } }),
      yAxis: axis({ type: "category", data: bars.map(({ name }) => name), axisTick: { show: false } }),
      series: [
        {
          type: "bar",
          barWidth: 22,
          data: bars.map(({ one, color }) => ({
            value: one.max / 1_000,
            itemStyle: { color },
            label: {
              show: true,
              position: "right",
              color,
              fontWeight: "bold",
              // It was still stale when nobody looked any more.
              formatter: one.neverSeen > 0 ? `over ${seconds(one.max)}` : seconds(one.max),
            },
          })),
        },
      ],
    },
    { width: 760, height: 200 },
  );
}

/** A bar from the median to the 99th percentile, and a dot with the name at the longest. */
function seriesOf({ name, readsPerMinute, p50, p99, max }: StalenessFigures, color = "#000") {
  const point = (ms: number) => [readsPerMinute, shown(ms)];
  const position = (LABELS[name] ?? "right") as "top" | "right";
  return [
    {
      type: "line" as const,
      data: [point(p50), point(p99)],
      symbol: "none",
      lineStyle: { width: 8, color, opacity: 0.5 },
    },
    {
      type: "scatter" as const,
      data: [point(max)],
      symbolSize: 12,
      itemStyle: { color },
      label: { show: true, position, formatter: name, color },
    },
  ];
}

/** From the last run, as it was written. */
export function againStaleness(): void {
  const { about, data } = JSON.parse(
    readFileSync(new URL("../results/staleness.json", import.meta.url), "utf8"),
  ) as { about: string; data: StalenessFigures[] };
  publishStaleness(about, data);
}
