import { DASHBOARD, type Panel } from "../../test/support/monitoring.ts";
import { drawPlot, GRID, INK } from "../plot.ts";
import { panelOption, statOf } from "./panel.ts";
import type { Recording } from "./recording.ts";

/** Pixels of one of Grafana's 24 columns, and of one of its rows. */
const [COLUMN, ROW] = [50, 26];
const GAP = 6;
const LINE = 18;

/** The dashboard with a recording in it: one SVG, each panel where the dashboard has it. */
export function drawDashboard(recording: Recording): string {
  const head = recording.marks.map(
    ({ text, from, to }, i) =>
      `${i + 1}: ${minutes(from)}${to > from + 1 ? ` to ${minutes(to)}` : ""}, ${text}`,
  );
  const top = (head.length + 1) * LINE;
  const bottom = Math.max(...DASHBOARD.panels.map(({ gridPos: { y, h } }) => y + h)) * ROW;
  const size = `width="${24 * COLUMN}" height="${top + bottom}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${24 * COLUMN} ${top + bottom}" font-family="system-ui, sans-serif">`,
    ...head.map((line, i) => text(line, { x: GAP, y: (i + 1) * LINE, size: 13 })),
    ...DASHBOARD.panels.map((panel) => drawPanel(panel, recording, top)),
    "</svg>\n",
  ].join("\n");
}

function drawPanel(panel: Panel, recording: Recording, top: number): string {
  const { x, y, w, h } = panel.gridPos;
  const [left, above] = [x * COLUMN + GAP / 2, top + y * ROW + GAP / 2];
  const [width, height] = [w * COLUMN - GAP, h * ROW - GAP];
  if (panel.type === "row") return text(panel.title, { x: left, y: above + 15, size: 15, weight: 600 });
  const frame = `<rect x="${left}" y="${above}" width="${width}" height="${height}" rx="3" fill="none" stroke="${GRID}"/>`;
  const lines = recording.panels[String(panel.id)] ?? [];
  if (panel.type === "stat") {
    const stat = statOf(panel, lines);
    const middle = { x: left + width / 2, y: above + height / 2 + 14, size: 36, weight: 600 };
    const title = text(panel.title, { x: left + 8, y: above + 17, size: 12, weight: 700 });
    return frame + title + text(stat.text, { ...middle, color: stat.color, anchor: "middle" });
  }
  const plot = drawPlot(panelOption(panel, lines, recording), { width, height });
  return frame + plot.trim().replace("<svg ", `<svg x="${left}" y="${above}" `);
}

interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly weight?: number;
  readonly color?: string;
  readonly anchor?: string;
}

function text(what: string, { x, y, size, weight = 400, color = INK, anchor = "start" }: TextStyle): string {
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${color}" text-anchor="${anchor}">${what}</text>`;
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
