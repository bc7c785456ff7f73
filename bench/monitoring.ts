/**
 * `npm run monitoring:render`: three real soketi nodes for four minutes, with faults, under a real Prometheus that evaluates
 * docs/monitoring/alerts.yml; and the dashboard's own queries drawn in the dashboard's own layout, into
 * docs/img/monitoring.svg. It is not Grafana that draws: it shows what the queries give.
 *
 * --again    runs nothing, and draws the last run again
 */
import { readFileSync, writeFileSync } from "node:fs";
import { provide } from "../local/provide.ts";
import { PROMETHEUS } from "../local/requirements.mjs";
import { drawDashboard } from "./monitoring/draw.ts";
import type { Recording } from "./monitoring/recording.ts";
import { recordFleet } from "./monitoring/run.ts";

const [results, picture] = ["results/monitoring.json", "../docs/img/monitoring.svg"].map(
  (file) => new URL(file, import.meta.url),
) as [URL, URL];

if (!process.argv.includes("--again")) {
  provide(PROMETHEUS, console.log);
  writeFileSync(results, `${JSON.stringify(await recordFleet(console.log))}\n`);
}
writeFileSync(picture, drawDashboard(JSON.parse(readFileSync(results, "utf8")) as Recording));
console.log("docs/img/monitoring.svg is drawn");
process.exit(0);
