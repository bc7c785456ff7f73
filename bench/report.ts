import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EChartsOption } from "echarts";
import { writeInto } from "./document.ts";
import { machineLine } from "./machine.ts";
import { drawPlot } from "./plot.ts";
import { median, quantile } from "./statistics.ts";

/** A Markdown table. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** What a benchmark has found. */
export interface BenchReport {
  /** As in `npm run bench:<name>`; names the places that it is written to. */
  readonly name: string;
  /** What was compared, in which unit, how often; one paragraph above the tables. */
  readonly about: string;
  readonly tables: readonly Table[];
  /** What follows from it, in sentences. */
  readonly conclusions?: readonly string[];
  /** All figures, for whoever wants to make something else of them. */
  readonly data: unknown;
  readonly plot?: EChartsOption;
}

/** Prints it, and puts it into docs/reference/benchmarks.md, bench/results/<name>.json and docs/img/<name>.svg. */
export function publish({ name, about, tables, conclusions = [], data, plot }: BenchReport): void {
  const picture = plot ? [`![${name}](../img/${name}.svg)`] : [];
  const text = [
    `\`npm run bench:${name}\`. ${about}`,
    ...tables.map(markdown),
    ...conclusions,
    ...picture,
    `${machineLine()}.`,
  ].join("\n\n");
  console.log(`\n${text}`);
  writeInto("docs/reference/benchmarks.md", `bench:${name}`, text);
  write(
    `bench/results/${name}.json`,
    `${JSON.stringify({ machine: machineLine(), about, data }, null, 1)}\n`,
  );
  if (plot) write(`docs/img/${name}.svg`, drawPlot(plot));
}

function write(file: string, text: string): void {
  const url = new URL(`../${file}`, import.meta.url);
  mkdirSync(new URL(".", url), { recursive: true });
  writeFileSync(fileURLToPath(url), text);
}

function markdown({ columns, rows }: Table): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), `|${"---|".repeat(columns.length)}`, ...rows.map(line)].join("\n");
}

/** Columns and cells of a table of repetitions: median and spread. */
export const SPREAD = ["median", "p10 to p90", "runs"] as const;

export function spread(values: readonly number[]): string[] {
  return [
    figure(median(values)),
    `${figure(quantile(values, 0.1))} to ${figure(quantile(values, 0.9))}`,
    String(values.length),
  ];
}

/** With three digits that count. */
export function figure(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString("en");
  if (value === 0) return "0";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Of two series measured in turns: the median of the ratios, round by round. */
export function ratio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, i) => value / (theirs[i] ?? Number.NaN)));
}
