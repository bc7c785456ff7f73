import * as echarts from "echarts";

/** On GitHub's light and dark pages alike, which is why there is no black and no white. */
export const INK = "#7d8590";
export const GRID = "#7d859040";
export const COLORS = ["#2f81f7", "#db6d28", "#8957e5", "#3fb950", "#d29922", "#f85149", "#39c5cf"];

const AXIS = {
  axisLine: { lineStyle: { color: INK } },
  axisLabel: { color: INK },
  nameTextStyle: { color: INK },
  splitLine: { lineStyle: { color: GRID } },
  minorSplitLine: { show: false },
};

/** An axis, in the colours of all plots. */
export function axis(options: object): object {
  return { ...AXIS, nameLocation: "middle", nameGap: 36, ...options };
}

/** An SVG without anything that moves. */
export function drawPlot(option: echarts.EChartsOption, size = { width: 760, height: 420 }): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  chart.setOption({
    animation: false,
    color: COLORS,
    textStyle: { color: INK, fontFamily: "system-ui, sans-serif" },
    grid: { left: 70, right: 24, top: 56, bottom: 56 },
    legend: { top: 6, textStyle: { color: INK } },
    ...option,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
