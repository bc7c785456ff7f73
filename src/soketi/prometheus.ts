import type { AgentMetric } from "../agent/metrics.ts";
import { plausibleLag } from "../protocol/plausible-lag.ts";

/** The part of prom-client (14) that is used. soketi's own copy is taken. */
export interface PromClient {
  readonly Counter: new (config: MetricConfig<PromCounter>) => PromCounter;
  readonly Gauge: new (config: MetricConfig<PromGauge>) => PromGauge;
  readonly Histogram: new (config: MetricConfig<PromHistogram> & { buckets: number[] }) => PromHistogram;
}

interface MetricConfig<M> {
  name: string;
  help: string;
  labelNames?: string[];
  registers: object[];
  collect?: (this: M) => void;
}

interface PromCounter {
  inc(labels: Record<string, string>, value: number): void;
  reset(): void;
}

interface PromGauge {
  remove(labels: Record<string, string>): void;
  set(labels: Record<string, string>, value: number): void;
}

interface PromHistogram {
  observe(labels: Record<string, string>, value: number): void;
}

/** Registers the agent's numbers in soketi's registry. Nothing is computed until somebody asks `/metrics`. */
export function registerMetrics(
  prom: PromClient,
  registry: object,
  prefix: string,
  metrics: readonly AgentMetric[],
): void {
  for (const { name, help, kind, label, read } of metrics) {
    const each = (set: (labels: Record<string, string>, value: number) => void) => {
      const values = read();
      if (values === undefined) return;
      if (typeof values === "number") set({}, values);
      else for (const [of, value] of values) set({ [label ?? "of"]: of }, value);
    };
    const labelNames = label === undefined ? [] : [label];
    const common = { name: prefix + name, help, labelNames, registers: [registry] };
    if (kind === "gauge") {
      new prom.Gauge({
        ...common,
        collect() {
          // What is not known now has no series: prom-client begins each with 0.
          if (label === undefined) this.remove({});
          each((of, value) => {
            this.set(of, value);
          });
        },
      });
    } else {
      new prom.Counter({
        ...common,
        collect() {
          // The agent holds the total: the counter is set to it, in prom-client's only way.
          this.reset();
          each((of, value) => {
            this.inc(of, value);
          });
        },
      });
    }
  }
}

/** From milliseconds to a minute: what a change can take from the table to a node. Seconds. */
const LAG_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A histogram of seconds; observe in milliseconds. */
export function lagHistogram(
  prom: PromClient,
  registry: object,
  name: string,
  help: string,
): (ms: number) => void {
  const histogram = new prom.Histogram({
    name,
    help,
    registers: [registry],
    buckets: LAG_BUCKETS,
  });
  return (ms) => {
    const lag = plausibleLag(ms);
    if (lag !== null) histogram.observe({}, lag / 1000);
  };
}
