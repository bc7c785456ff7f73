import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { RelayState } from "../../../src/relay/state.ts";
import { createRelayTelemetry } from "../../../src/relay/telemetry.ts";
import { RELAY_ALERTS, RELAY_RULE_TESTS } from "../../support/monitoring.ts";
import { metricsOf } from "../../support/promql.ts";

const read = (file: string) => readFileSync(new URL(`../../../docs/${file}`, import.meta.url), "utf8");
const names = RELAY_ALERTS.map(({ alert }) => alert);
let exposed: string;

beforeAll(async () => {
  const health = () => ({ status: "standby", table: "apps", shards: 0 }) as const;
  exposed = await createRelayTelemetry(new RelayState(() => 0), health).metrics();
});

describe("docs/monitoring/relay-alerts.yml", () => {
  it.each(RELAY_ALERTS)("$alert is PromQL of metrics that a relay has", ({ expr }) => {
    const metrics = metricsOf(expr);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((name) => !exposed.includes(`# TYPE ${name} `))).toEqual([]);
  });

  it.each(RELAY_ALERTS)("$alert says how bad it is, what it is and where to read on", ({ labels, annotations }) => {
    expect(["critical", "warning", "info"]).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\{\{ \$labels\.\w+ \}\}/);
    expect(annotations.description).toMatch(/\.$/);
    expect(annotations.runbook).toBe("docs/relay.md#alerts");
  });

  it.each(RELAY_ALERTS)("$alert has a test in which it fires, it alone, and a time before at which it does not", ({ alert }) => {
    const test = RELAY_RULE_TESTS.find(({ name }) => name === alert);
    const firing = test?.promql_expr_test.map(({ exp_samples }) => exp_samples.map(({ labels }) => labels)) ?? [];
    expect(firing[0]).toEqual([]);
    expect(firing[1]).toEqual([expect.stringContaining(`alertname="${alert}", alertstate="firing"`)]);
    // The expression asks for all that fires, not for what the test is about.
    expect(test?.promql_expr_test.map(({ expr }) => expr)).toEqual(firing.map(() => 'ALERTS{alertstate="firing"}'));
  });

  it("has a test in which all is well, with every metric that a rule reads", () => {
    const text = read("monitoring/relay-alerts.test.yml");
    const well = text.slice(text.indexOf("all is well"), text.indexOf(`name: ${names[0] ?? ""}`));
    const metrics = RELAY_ALERTS.flatMap(({ expr }) => metricsOf(expr));
    expect(metrics.filter((name) => !well.includes(`'${name}{`))).toEqual([]);
  });
});

describe("docs/relay.md", () => {
  it("has a row for each alert with its severity, and for no other", () => {
    const rows = read("relay.md").split("\n").filter((line) => line.startsWith("| `SoketiAppSyncRelay"));
    const found = rows.flatMap((row) => {
      const severity = /\((critical|warning|info)\)/.exec(row)?.[1];
      return [...row.matchAll(/`(SoketiAppSyncRelay\w+)`/g)].map(([, name]) => `${name} ${severity}`);
    });
    expect(found.sort()).toEqual(RELAY_ALERTS.map(({ alert, labels }) => `${alert} ${labels.severity}`).sort());
  });
});
