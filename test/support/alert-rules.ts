import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { AlertRule, RuleTest } from "./monitoring.ts";
import { metricsOf } from "./promql.ts";

export interface AlertRules {
  readonly alerts: readonly AlertRule[];
  readonly tests: readonly RuleTest[];
  /** In docs/monitoring, of the tests. */
  readonly testFile: string;
  /** Whether somebody exposes a metric of this name. */
  readonly isMetric: (name: string) => boolean;
  /** Where an alert's annotation has to lead. */
  readonly runbook: (alert: string) => string;
}

/** What holds of each file of alerting rules, and of its tests. */
export function itHoldsOfRules({ alerts, tests, testFile, isMetric, runbook }: AlertRules): void {
  it.each(alerts)("$alert is PromQL of metrics that exist", ({ expr }) => {
    const metrics = metricsOf(expr);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((name) => !isMetric(name))).toEqual([]);
  });

  it.each(alerts)(
    "$alert says how bad it is, what it is and where to read on",
    ({ alert, labels, annotations }) => {
      expect(["critical", "warning", "info"]).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\{\{ \$labels\.\w+ \}\}/);
      expect(annotations.description).toMatch(/\.$/);
      expect(annotations.runbook).toBe(runbook(alert));
    },
  );

  it.each(alerts)(
    "$alert has a test in which it fires, it alone, and a time before at which it does not",
    ({ alert }) => {
      const test = tests.find(({ name }) => name === alert);
      const firing =
        test?.promql_expr_test.map(({ exp_samples }) => exp_samples.map(({ labels }) => labels)) ?? [];
      expect(firing[0]).toEqual([]);
      expect(firing[1]).toEqual([expect.stringContaining(`alertname="${alert}", alertstate="firing"`)]);
      // The expression asks for all that fires, not for what the test is about.
      expect(test?.promql_expr_test.map(({ expr }) => expr)).toEqual(
        firing.map(() => 'ALERTS{alertstate="firing"}'),
      );
    },
  );

  it("has a test in which all is well, with every metric that a rule reads", () => {
    const text = readFileSync(new URL(`../../docs/monitoring/${testFile}`, import.meta.url), "utf8");
    const well = text.slice(text.indexOf("all is well"), text.indexOf(`name: ${alerts[0]?.alert ?? ""}`));
    const metrics = alerts.flatMap(({ expr }) => metricsOf(expr));
    expect(metrics.filter((name) => !well.includes(`'${name}{`))).toEqual([]);
  });
}
