import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** What docs/monitoring holds, as far as tests and the rendering read it. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  /** In Grafana's 24 columns; y and h in rows of 30 pixels. */
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string;
      readonly min?: number;
      readonly max?: number;
      readonly custom?: {
        readonly drawStyle?: string;
        readonly stacking?: object;
        readonly scaleDistribution?: { readonly type: string };
      };
      /** What a value is called, and its colour. */
      readonly mappings?: readonly {
        readonly options: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
      }[];
      readonly thresholds?: {
        readonly steps: readonly { readonly color: string; readonly value: number | null }[];
      };
    };
  };
}

interface Dashboard {
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

export interface RuleTest {
  readonly name: string;
  readonly promql_expr_test: readonly {
    readonly expr: string;
    readonly exp_samples: readonly { readonly labels: string }[];
  }[];
}

const read = (file: string) =>
  readFileSync(new URL(`../../docs/monitoring/${file}`, import.meta.url), "utf8");

function rulesOf(file: string): Rules {
  return parse(read(file)) as Rules;
}

function alertsOf(file: string): readonly AlertRule[] {
  return rulesOf(file).groups.flatMap(({ rules }) => rules);
}

function testsOf(file: string): readonly RuleTest[] {
  return (parse(read(file)) as { tests: RuleTest[] }).tests;
}

export const DASHBOARD = JSON.parse(read("grafana-dashboard.json")) as Dashboard;
export const RULES = rulesOf("alerts.yml");
export const ALERTS = alertsOf("alerts.yml");
export const RELAY_ALERTS = alertsOf("relay-alerts.yml");
export const RULE_TESTS = testsOf("alerts.test.yml");
export const RELAY_RULE_TESTS = testsOf("relay-alerts.test.yml");

/** Every expression of the dashboard, with the panel that it is in. */
export const QUERIES = DASHBOARD.panels.flatMap((panel) =>
  (panel.targets ?? []).map(({ expr, legendFormat }) => ({ panel, expr, legendFormat })),
);

/**
 * An expression as Grafana would send it, with all jobs and nodes chosen.
 *
 * @param times durations of Prometheus: `$__rate_interval`, four scrapes or more, and `$__range`, the time shown.
 */
export function asSent(expr: string, times: { readonly rate: string; readonly range: string }): string {
  const values: Readonly<Record<string, string>> = {
    $__rate_interval: times.rate,
    $__range: times.range,
    $job: ".+",
    $instance: ".+",
  };
  return expr.replace(/\$\w+/g, (name) => values[name] ?? name);
}

/** The rules, with another `for` where they have one and are named: a test does not wait for minutes to see that one fires. */
export function impatient(rules: Rules, names: readonly string[], wait: string): Rules {
  return {
    groups: rules.groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) =>
        rule.for !== undefined && names.includes(rule.alert) ? { ...rule, for: wait } : rule,
      ),
    })),
  };
}
