import { machineLine } from "./machine.ts";
import { median, quantile } from "./statistics.ts";

/** One line of a table: what was measured, in some unit, over some repetitions. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

/** A Markdown table of medians and spreads, under the machine's line, and the same as JSON. */
export function report(title: string, unit: string, series: readonly Series[]): void {
  const rows = series.map(({ name, values }) => {
    const [low, middle, high] = [quantile(values, 0.1), median(values), quantile(values, 0.9)].map(format);
    return `| ${name} | ${middle ?? ""} | ${low ?? ""} to ${high ?? ""} | ${values.length} |`;
  });
  console.log(
    [
      `\n${title}; ${unit}`,
      machineLine(),
      "",
      "| | median | p10 to p90 | runs |",
      "|---|---|---|---|",
      ...rows,
    ].join("\n"),
  );
  console.log(`\n${JSON.stringify({ title, unit, machine: machineLine(), series })}`);
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
