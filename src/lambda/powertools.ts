import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type {
  FailedRange,
  PipelineReporter,
  RedriveReporter,
  SweepOutcome,
  SweepReporter,
} from "../pipeline/ports.ts";
import { RedisError } from "../redis/errors.ts";

/** Everything the functions say: JSON logs, and metrics in CloudWatch's embedded format. docs/operations.md lists them. */
export interface Powertools {
  readonly report: PipelineReporter & RedriveReporter & SweepReporter;
  /** Redis' connection had trouble outside a publish; ioredis goes on by itself. */
  readonly connectionError: (error: unknown) => void;
  /** Metrics are written once for each invocation. */
  flush(): void;
}

/** Service name, namespace and log level come from Powertools' own `POWERTOOLS_*` variables, with our defaults. */
export function createPowertools(): Powertools {
  const serviceName = process.env.POWERTOOLS_SERVICE_NAME ?? "soketi-app-sync";
  const logger = new Logger({ serviceName });
  const metrics = new Metrics({
    namespace: process.env.POWERTOOLS_METRICS_NAMESPACE ?? "soketi-app-sync",
    serviceName,
  });
  const codes = new Map<string, number>();
  return {
    report: {
      ...batchReporter(logger, metrics, codes),
      ...redriveReporter(logger, metrics),
      ...sweepReporter(logger, metrics),
    },
    connectionError(error) {
      logger.warn("connection to Redis had trouble", describe(error));
      count(metrics, "RedisErrors", 1);
    },
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

/** @param codes counts problems by their code, which becomes a dimension of `ItemProblems`. */
function batchReporter(logger: Logger, metrics: Metrics, codes: Map<string, number>): PipelineReporter {
  /** Where the last batch failed: it comes again from there, mostly to this same process. */
  let failedAt: string | undefined;
  return {
    itemProblems(appId, problems) {
      const worst = problems.some((problem) => problem.severity === "error") ? "error" : "warn";
      logger[worst]("item has problems", { appId, problems: [...problems] });
      count(metrics, "InvalidItems", 1);
      for (const { code } of problems) codes.set(code, (codes.get(code) ?? 0) + 1);
    },
    unreadableRecord(sequenceNumber, reason) {
      logger.error("stream record names no app: all apps are flushed", { sequenceNumber, reason });
      count(metrics, "UnreadableRecords", 1);
    },
    batchStarted(sequenceNumber) {
      if (failedAt !== undefined && sequenceNumber === failedAt) count(metrics, "BatchRetries", 1);
      failedAt = undefined;
    },
    published(outcome) {
      logger.info("batch done", { ...outcome });
      count(metrics, "Published", outcome.published);
      count(metrics, "Coalesced", outcome.coalesced);
      count(metrics, "Unchanged", outcome.unchanged);
      if (outcome.ageMs !== undefined)
        metrics.addMetric("PublishAge", MetricUnit.Milliseconds, outcome.ageMs);
    },
    publishFailed(error, sequenceNumber, changes) {
      failedAt = sequenceNumber;
      logger.error("publish failed: the batch is retried", { ...describe(error), sequenceNumber, changes });
      count(metrics, "PublishFailures", 1);
      if (error instanceof RedisError) count(metrics, "RedisErrors", 1);
    },
  };
}

function redriveReporter(logger: Logger, metrics: Metrics): RedriveReporter {
  return {
    rangeRedriven(range: FailedRange, records) {
      logger.info("failed range published", { ...range, records });
      count(metrics, "RangesRedriven", 1);
    },
    rangeGone(range, reason) {
      logger.error("failed range is lost: all apps are flushed", { ...range, reason });
      count(metrics, "RangesGone", 1);
    },
    redriveFailed(range, error) {
      logger.error("failed range stays in the queue", { ...range, ...describe(error) });
      count(metrics, "RedriveFailures", 1);
    },
  };
}

function sweepReporter(logger: Logger, metrics: Metrics): SweepReporter {
  return {
    swept(outcome: SweepOutcome) {
      logger.info("shared cache swept", { ...outcome });
      // Also when 0: an alarm on their absence tells that no sweep ends.
      metrics.addMetric("SweptApps", MetricUnit.Count, outcome.apps);
      metrics.addMetric("SweptEntries", MetricUnit.Count, outcome.entries);
      metrics.addMetric("SweepRepaired", MetricUnit.Count, outcome.repaired);
      metrics.addMetric("SweepRemoved", MetricUnit.Count, outcome.removed);
    },
    sweepFailed(error) {
      logger.error("shared cache was not swept to the end", describe(error));
      count(metrics, "SweepFailures", 1);
    },
  };
}

function count(metrics: Metrics, name: string, value: number): void {
  if (value > 0) metrics.addMetric(name, MetricUnit.Count, value);
}

/** Name, code and words. Never the error itself: ioredis errors carry the command's arguments. */
function describe(error: unknown): { error: string; code?: string } {
  if (error instanceof RedisError) return { error: error.message, code: error.code };
  return { error: error instanceof Error ? error.message : String(error) };
}
