/** A line of a terminal, and when it was printed: milliseconds from the beginning. */
export interface RecordedLine {
  readonly atMs: number;
  readonly text: string;
}

const LINE_PX = 20;
const CHARACTER_PX = 7.85;
const MARGIN_PX = 20;
/** A reader waits no longer than this for a line, whatever the program did. Milliseconds. */
const LONGEST_PAUSE_MS = 1_200;

/**
 * A terminal's lines as one SVG: they appear one after the other, once, at the pace at which they were printed, and stay. Light or dark
 * with the page. Whoever has asked for less motion, or shows no animation, sees all of them at once.
 */
export function recordingSvg(lines: readonly RecordedLine[]): string {
  const columns = Math.max(...lines.map(({ text }) => text.length));
  const width = Math.ceil(columns * CHARACTER_PX) + 2 * MARGIN_PX;
  const height = lines.length * LINE_PX + 2 * MARGIN_PX;
  let at = 0;
  const rows = lines.map(({ atMs, text }, i) => {
    at += Math.min(LONGEST_PAUSE_MS, atMs - (lines[i - 1]?.atMs ?? 0));
    const y = MARGIN_PX + (i + 0.75) * LINE_PX;
    const prompt = text.startsWith("$ ") ? ' class="prompt"' : "";
    const delay = `style="animation-delay:${(at / 1_000).toFixed(2)}s"`;
    return `<text x="${MARGIN_PX}" y="${y}"${prompt} ${delay}>${escapeXml(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>${escapeXml(lines[0]?.text ?? "")}</title>
<style>
rect { fill: #f6f8fa; stroke: #d1d9e0; }
text { fill: #1f2328; font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre; animation: appear 1ms both; }
.prompt { fill: #0969da; font-weight: 600; }
@keyframes appear { from { opacity: 0; } }
@media (prefers-color-scheme: dark) {
  rect { fill: #151b23; stroke: #3d444d; }
  text { fill: #f0f6fc; }
  .prompt { fill: #4493f8; }
}
@media (prefers-reduced-motion) { text { animation: none; } }
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${rows.join("\n")}
</svg>
`;
}

function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
