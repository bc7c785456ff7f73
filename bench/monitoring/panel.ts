import type { EChartsOption } from "echarts";
import type { Panel } from "../../test/support/monitoring.ts";
import { axis, COLORS, INK } from "../plot.ts";
import type { Line, Recording } from "./recording.ts";

const GRAFANA: Readonly<Record<string, string>> = { green: "#3fb950", red: "#f85149" };
const SMALL = { fontSize: 10, color: INK };

/** A panel of lines, bars or states, as an option of echarts. */
export function panelOption(panel: Panel, lines: readonly Line[], recording: Recording): EChartsOption {
  const isTimeline = panel.type === "state-timeline";
  const series = isTimeline ? states(panel, lines) : curves(panel, lines);
  // There is no room for the names of many, of which most had nothing to show.
  const idle = new Set(lines.length > 3 ? lines.filter(isZero).map(({ name }) => name) : []);
  return {
    title: { text: panel.title, left: 8, top: 6, textStyle: { fontSize: 12, color: INK } },
    grid: isTimeline
      ? {
          left: 16 + 5.4 * Math.max(0, ...lines.map(({ name }) => name.length)),
          right: 14,
          top: 34,
          bottom: 46,
        }
      : { left: 10, right: 14, top: 34, bottom: 30, containLabel: true },
    legend: {
      bottom: 4,
      itemWidth: 12,
      itemHeight: 6,
      icon: "rect",
      itemGap: 20,
      textStyle: SMALL,
      data: [...new Set(series.map(({ name }) => name))].filter((name) => !idle.has(name)),
    },
    xAxis: axis({
      type: "value",
      min: 0,
      max: recording.seconds,
      interval: 60,
      axisLabel: { ...SMALL, formatter: (second: number) => `${second / 60}:00` },
      splitLine: { show: false },
    }),
    yAxis: isTimeline
      ? axis({ type: "category", inverse: true, data: lines.map(({ name }) => name), axisLabel: SMALL })
      : valueAxis(panel),
    series: [...series, shading(recording, lines[0]?.name)],
  };
}

const isZero = ({ points }: Line) => points.every(([, value]) => value === null || value === 0);

function valueAxis({ fieldConfig }: Panel): object {
  const { unit, min, max, custom } = fieldConfig?.defaults ?? {};
  const format = (value: number) => {
    if (unit === "s") return value < 1 ? `${value * 1_000} ms` : `${value} s`;
    return unit === "percentunit" ? `${Math.round(value * 100)} %` : String(value);
  };
  const axisLabel = { ...SMALL, formatter: format };
  if (custom?.scaleDistribution?.type === "log")
    return axis({ type: "log", min: 0.001, max: 100, axisLabel });
  const interval = max === undefined ? {} : { max, interval: max / 4 };
  return axis({ type: "value", min: min ?? null, ...interval, splitNumber: 4, axisLabel });
}

interface Drawn {
  readonly name: string;
  readonly type: "line" | "bar";
  readonly [option: string]: unknown;
}

function curves({ fieldConfig }: Panel, lines: readonly Line[]): Drawn[] {
  const { drawStyle, stacking } = fieldConfig?.defaults.custom ?? {};
  const isStacked = stacking !== undefined;
  const isBars = drawStyle === "bars";
  return lines.map((line, i) => ({
    name: line.name,
    type: isBars ? "bar" : "line",
    // A bar of no height is in the file all the same. One series at least has them all: it spans the axis.
    data: isBars && i > 0 && isZero(line) ? [] : line.points,
    color: COLORS[i % COLORS.length],
    showSymbol: false,
    lineStyle: { width: 1.5 },
    barWidth: 4,
    ...(isStacked ? { stack: "all", areaStyle: { opacity: 0.3 } } : {}),
  }));
}

/** A thick line for each state of each series, with holes where it is in another. */
function states({ fieldConfig }: Panel, lines: readonly Line[]): Drawn[] {
  const mapped = Object.entries(fieldConfig?.defaults.mappings?.[0]?.options ?? {});
  return lines.flatMap(({ name, points }) =>
    mapped.map(([value, { text, color }]) => ({
      name: text,
      type: "line" as const,
      data: points.map(([second, found]) => [second, found === Number(value) ? name : null]),
      color: GRAFANA[color],
      showSymbol: false,
      lineStyle: { width: 12, cap: "butt" },
    })),
  );
}

/** When something was done to the fleet, with its number. An invisible series carries it, so that no panel is without. */
function shading({ marks }: Recording, y: string | undefined): object {
  return {
    type: "line",
    data: [[0, y ?? 0]],
    symbol: "none",
    silent: true,
    markArea: {
      itemStyle: { color: `${INK}28` },
      label: { position: "insideTop", fontSize: 9, color: INK },
      data: marks.map(({ from, to }, i) => [
        { name: String(i + 1), xAxis: from },
        { xAxis: Math.max(to, from + 1) },
      ]),
    },
  };
}

/** The last value, and the colour that its thresholds give it. */
export function statOf({ fieldConfig }: Panel, lines: readonly Line[]): { text: string; color: string } {
  const value = lines[0]?.points.at(-1)?.[1] ?? null;
  const steps = fieldConfig?.defaults.thresholds?.steps ?? [];
  const step = [...steps].reverse().find((one) => one.value === null || (value ?? 0) >= one.value);
  return {
    text: value === null ? "No data" : Math.round(value).toLocaleString("en"),
    color: GRAFANA[step?.color ?? ""] ?? INK,
  };
}
