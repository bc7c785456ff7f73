import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { PipelineReporter } from "../pipeline/ports.ts";
import { RedisError } from "./redis.ts";

/** Everything the function says: JSON logs, and metrics in CloudWatch's embedded format. */
export interface Powertools {
  readonly report: PipelineReporter;
  /** Redis' connection had trouble outside a publish; ioredis goes on by itself. */
  readonly connectionError: (error: unknown) => void;
  /** Metrics are written once for each invocation. */
  flush(): void;
}

/** Service name, namespace and log level come from Powertools' own `POWERTOOLS_*` variables, with our defaults. */
export function createPowertools(): Powertools {
  const logger = new Logger({ serviceName: process.env.POWERTOOLS_SERVICE_NAME ?? "soketi-app-sync" });
  const metrics = new Metrics({
    namespace: process.env.POWERTOOLS_METRICS_NAMESPACE ?? "soketi-app-sync",
    serviceName: process.env.POWERTOOLS_SERVICE_NAME ?? "soketi-app-sync",
  });
  const count = (name: string, value: number) => {
    if (value > 0) metrics.addMetric(name, MetricUnit.Count, value);
  };
  return {
    report: {
      itemProblems(appId, problems) {
        const worst = problems.some((problem) => problem.severity === "error") ? "error" : "warn";
        logger[worst]("item has problems", { appId, problems: [...problems] });
        count("InvalidItems", 1);
      },
      unreadableRecord(sequenceNumber, reason) {
        logger.error("stream record names no app: all apps are flushed", { sequenceNumber, reason });
        count("UnreadableRecords", 1);
      },
      published(outcome) {
        logger.info("batch done", { ...outcome });
        count("Published", outcome.published);
        count("Coalesced", outcome.coalesced);
        count("Unchanged", outcome.unchanged);
        if (outcome.ageMs !== undefined)
          metrics.addMetric("PublishAge", MetricUnit.Milliseconds, outcome.ageMs);
      },
      publishFailed(error, sequenceNumber, changes) {
        logger.error("publish failed: the batch is retried", { ...describe(error), sequenceNumber, changes });
        count("PublishFailures", 1);
      },
    },
    connectionError(error) {
      logger.warn("connection to Redis had trouble", describe(error));
      count("RedisErrors", 1);
    },
    flush() {
      metrics.publishStoredMetrics();
    },
  };
}

/** Name, code and words. Never the error itself: ioredis errors carry the command's arguments. */
function describe(error: unknown): { error: string; code?: string } {
  if (error instanceof RedisError) return { error: error.message, code: error.code };
  return { error: error instanceof Error ? error.message : String(error) };
}
