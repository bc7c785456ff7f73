import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { itHoldsOfRules } from "../../support/alert-rules.ts";
import { DOCUMENTS } from "../../support/commands-in-documents.ts";
import { exposedMetrics } from "../../support/exposed-metrics.ts";
import { ALERTS, asSent, DASHBOARD, QUERIES, RELAY_ALERTS, RULE_TESTS } from "../../support/monitoring.ts";
import { metricsOf } from "../../support/promql.ts";

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
const runbook = new Map(
  read("docs/reference/alerts.md").split(/^### /m).slice(1).map((entry) => [entry.split("\n")[0] ?? "", entry]), // prettier-ignore
);
const exposed = exposedMetrics();
/** As Prometheus stores them: a histogram is three. */
const stored = exposed.flatMap(({ name, kind }) =>
  kind === "Histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
);
/** Prometheus' own, and soketi's own that says that a target is a soketi. */
const OTHERS = ["ALERTS", "soketi_nodejs_version_info"];
const TIMES = { rate: "1m", range: "3h" };
const names = ALERTS.map(({ alert }) => alert);
const panels = DASHBOARD.panels.filter(({ type }) => type !== "row");

describe("PromQL", () => {
  it.each(["sum(rate(a[5m])) by", "rate(a[$__rate_interval])", "a{b=~c}", "sum(a"])("%s is none", (expr) => {
    expect(() => metricsOf(expr)).toThrow("expected PromQL");
  });

  it("names its metrics, and no label or function", () => {
    expect(metricsOf('sum by (job) (rate(a{le="1"}[5m])) / on (job) group_left (x) count(b offset 1m)')).toEqual(["a", "b"]);
  });
});

describe("docs/monitoring/grafana-dashboard.json", () => {
  it.each(QUERIES)("$panel.title: $legendFormat is PromQL of metrics that exist", ({ expr }) => {
    const metrics = metricsOf(asSent(expr, TIMES));
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((name) => ![...stored, ...OTHERS].includes(name))).toEqual([]);
  });

  it("shows every metric of the agent", () => {
    const shown = QUERIES.flatMap(({ expr }) => metricsOf(asSent(expr, TIMES)));
    expect(exposed.length).toBeGreaterThan(25);
    expect(exposed.filter(({ name }) => !shown.some((one) => one === name || one === `${name}_bucket`))).toEqual([]);
  });

  it("asks only for variables that it has, and each query for the chosen job", () => {
    const variables = DASHBOARD.templating.list.map(({ name }) => `$${name}`);
    for (const { expr } of QUERIES) {
      for (const [name] of expr.matchAll(/\$(?!__)\w+/g)) expect(variables, expr).toContain(name);
      expect(expr).toContain('job=~"$job"');
    }
  });

  it("has variables of metrics that exist", () => {
    const queries = DASHBOARD.templating.list.flatMap(({ definition }) => definition ?? []);
    expect(queries).toHaveLength(2);
    for (const query of queries) {
      const [, selector = ""] = /^label_values\((.*), \w+\)$/.exec(query) ?? [];
      expect(OTHERS, query).toContain(metricsOf(asSent(selector, TIMES))[0]);
    }
  });

  it.each(panels)("$title: says what is normal, and what to do otherwise", ({ description = "", targets }) => {
    expect(targets?.length).toBeGreaterThan(0);
    expect(description).toMatch(/Normal: .+\. Otherwise: .+\.$/);
    for (const [name] of description.matchAll(/SoketiAppSync\w+/g)) expect(names).toContain(name);
  });

  it("has each panel in a place of its own, in 24 columns", () => {
    const cells = DASHBOARD.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...DASHBOARD.panels.map(({ gridPos }) => gridPos.x + gridPos.w))).toBe(24);
    expect(new Set(DASHBOARD.panels.map(({ id }) => id)).size).toBe(DASHBOARD.panels.length);
  });
});

describe("docs/monitoring/alerts.yml", () => {
  itHoldsOfRules({
    alerts: ALERTS,
    tests: RULE_TESTS,
    testFile: "alerts.test.yml",
    isMetric: (name) => [...stored, ...OTHERS].includes(name),
    runbook: (alert) => `docs/reference/alerts.md#${alert.toLowerCase()}`,
  });
});

describe("docs/reference/alerts.md", () => {
  it("has an entry for each alert, and for no other", () => {
    expect(names.length).toBeGreaterThan(10);
    expect([...runbook.keys()].sort()).toEqual([...names].sort());
  });

  it("says in each entry what it means, where to look, what to do", () => {
    for (const [name, entry] of runbook) {
      for (const part of [/\*\*Means\*\*/, /\*\*Look at\*\*/, /\*\*Do\*\*/]) expect(entry, name).toMatch(part);
    }
  });

  it("is named by docs/reference/metrics.md at the metrics that an alert watches", () => {
    const rows = read("docs/reference/metrics.md").matchAll(/^\| `soketi_app_sync_.* \| (?:`(\w+)`)? ?\|$/gm);
    const found = [...rows].flatMap(([, name]) => (name === undefined ? [] : [`SoketiAppSync${name}`]));
    expect([...found, "SoketiAppSyncAgentAbsent"].sort()).toEqual([...names].sort());
  });

  it("as all documents, names only alerts that exist", () => {
    const all = [...names, ...RELAY_ALERTS.map(({ alert }) => alert)];
    for (const file of DOCUMENTS) {
      for (const [name] of read(file).matchAll(/SoketiAppSync\w+/g)) expect(all, file).toContain(name);
    }
  });
});
