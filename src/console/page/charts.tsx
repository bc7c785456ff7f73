import type { Point } from "../series.ts";
import { type Line, usePlot } from "./plot.ts";

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
        note="lookups answered by a cache are saved"
        lines={READS}
        points={points}
      />
    </section>
  );
}

function Chart(props: { title: string; note: string; lines: readonly Line[]; points: readonly Point[] }) {
  const { title, note, lines, points } = props;
  const place = usePlot(lines, points);
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
