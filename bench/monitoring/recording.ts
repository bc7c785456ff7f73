import { asSent, QUERIES } from "../../test/support/monitoring.ts";
import type { Prometheus } from "../../test/support/prometheus.ts";

/** One line of a panel: its legend, and its value at each time; null where there is none. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number | null])[];
}

/** What a run gave. Times in seconds since its start. */
export interface Recording {
  readonly seconds: number;
  /** What was done to the fleet. */
  readonly marks: readonly { readonly text: string; readonly from: number; readonly to: number }[];
  /** By the id of the panel. */
  readonly panels: Readonly<Record<string, readonly Line[]>>;
}

const STEP = 3;
/** As Grafana has it: four scrapes, or a step and a scrape. */
const RATE = "4s";

/** Asks every query of the dashboard, over a time in seconds since 1970. */
export async function queryPanels(
  prometheus: Prometheus,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<Record<string, Line[]>> {
  const panels: Record<string, Line[]> = {};
  for (const { panel, expr, legendFormat } of QUERIES) {
    const isNow = panel.type === "stat";
    const sent = asSent(expr, { rate: RATE, range: `${end - start}s` });
    const series = await prometheus.queryRange(sent, { start: isNow ? end : start, end, step: STEP });
    for (const { metric, values } of series) {
      const name = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? "");
      const at = new Map(values);
      const times = isNow
        ? [end]
        : Array.from({ length: (end - start) / STEP + 1 }, (_, i) => start + i * STEP);
      const points = times.map((time) => [time - start, rounded(at.get(time))] as const);
      (panels[String(panel.id)] ??= []).push({ name, points });
    }
  }
  return panels;
}

/** What a picture can show of it. */
function rounded(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}
