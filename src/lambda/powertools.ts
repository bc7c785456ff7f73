import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { connectionError, createReporters, type Log, type Reporter } from "./reporters.ts";

/** Everything that a process of the pipeline says. docs/reference/metrics.md lists it. */
export interface Telemetry {
  readonly report: Reporter;
  /** Redis' connection had trouble outside a publish; ioredis goes on by itself. */
  readonly connectionError: (error: unknown) => void;
  /** Metrics are written once for each invocation. */
  flush(): void;
}

const serviceName = () => process.env.POWERTOOLS_SERVICE_NAME ?? "soketi-app-sync";

/** JSON lines. Service name and level come from Powertools' own `POWERTOOLS_*` variables, with our defaults. */
export function createJsonLog(): Log {
  const logger = new Logger({ serviceName: serviceName() });
  return {
    info: (message, about) => logger.info(message, about),
    warn: (message, about) => logger.warn(message, about),
    error: (message, about) => logger.error(message, about),
  };
}

/** Of the deployed functions: JSON logs, and metrics in CloudWatch's embedded format. */
export function createPowertools(): Telemetry {
  const log = createJsonLog();
  const metrics = new Metrics({
    namespace: process.env.POWERTOOLS_METRICS_NAMESPACE ?? "soketi-app-sync",
    serviceName: serviceName(),
  });
  /** Problems by their code, which becomes a dimension of `ItemProblems`. */
  const codes = new Map<string, number>();
  const meter = {
    count: (name: string, value: number) => metrics.addMetric(name, MetricUnit.Count, value),
    milliseconds: (name: string, value: number) => metrics.addMetric(name, MetricUnit.Milliseconds, value),
    problem: (code: string) => void codes.set(code, (codes.get(code) ?? 0) + 1),
  };
  return {
    report: createReporters(log, meter),
    connectionError: (error) => connectionError(log, meter, error),
    flush() {
      for (const [code, value] of codes) {
        const single = metrics.singleMetric();
        single.addDimension("code", code);
        single.addMetric("ItemProblems", MetricUnit.Count, value);
      }
      codes.clear();
      metrics.publishStoredMetrics();
    },
  };
}
