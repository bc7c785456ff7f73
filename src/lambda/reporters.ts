import type {
  CanaryReporter,
  FailedRange,
  PipelineReporter,
  RedriveReporter,
  SweepOutcome,
  SweepReporter,
} from "../pipeline/ports.ts";
import { isComplete, isInTime } from "../protocol/canary.ts";
import { RedisError } from "../redis/errors.ts";

/** Where lines go. Each has a sentence, and what belongs to it by name. */
export interface Log {
  info(message: string, about: Readonly<Record<string, unknown>>): void;
  warn(message: string, about: Readonly<Record<string, unknown>>): void;
  error(message: string, about: Readonly<Record<string, unknown>>): void;
}

/** Where numbers go, by the names of docs/reference/metrics.md. */
export interface Meter {
  count(name: string, value: number): void;
  milliseconds(name: string, value: number): void;
  /** One more problem of an item with that code. */
  problem(code: string): void;
}

export type Reporter = PipelineReporter & RedriveReporter & SweepReporter & CanaryReporter;

/** What the pipeline says, in the same words and by the same names wherever it runs. */
export function createReporters(log: Log, meter: Meter): Reporter {
  return {
    ...batchReporter(log, meter),
    ...redriveReporter(log, meter),
    ...sweepReporter(log, meter),
    ...canaryReporter(log, meter),
  };
}

const NO_IMAGE =
  "expected each record to hold the item before and after its change, found one of them missing: " +
  "turn the table's stream on with NEW_AND_OLD_IMAGES";

function batchReporter(log: Log, meter: Meter): PipelineReporter {
  /** Where the last batch failed: it comes again from there, mostly to this same process. */
  let failedAt: string | undefined;
  return {
    itemProblems(appId, problems) {
      const worst = problems.some((problem) => problem.severity === "error") ? "error" : "warn";
      log[worst]("item has problems", { appId, problems: [...problems] });
      count(meter, "InvalidItems", 1);
      for (const { code } of problems) meter.problem(code);
    },
    unreadableRecord(sequenceNumber, reason) {
      log.error("stream record names no app: flushed all apps", { sequenceNumber, reason });
      count(meter, "UnreadableRecords", 1);
    },
    notRefreshed(appIds, error) {
      log.error("apps wait for the next sweep of the shared cache", {
        apps: appIds,
        ...(error === undefined ? { error: NO_IMAGE } : describe(error)),
      });
      count(meter, "AppsNotRefreshed", appIds.length);
      if (error instanceof RedisError) count(meter, "RedisErrors", 1);
    },
    batchStarted(sequenceNumber) {
      if (failedAt !== undefined && sequenceNumber === failedAt) count(meter, "BatchRetries", 1);
      failedAt = undefined;
    },
    published(outcome) {
      log.info("batch done", { ...outcome });
      count(meter, "Published", outcome.published);
      count(meter, "Coalesced", outcome.coalesced);
      count(meter, "Unchanged", outcome.unchanged);
      if (outcome.ageMs !== undefined) meter.milliseconds("PublishAge", outcome.ageMs);
    },
    publishFailed(error, sequenceNumber, changes) {
      failedAt = sequenceNumber;
      log.error("publish failed: the batch is retried", { ...describe(error), sequenceNumber, changes });
      count(meter, "PublishFailures", 1);
      if (error instanceof RedisError) count(meter, "RedisErrors", 1);
    },
  };
}

function redriveReporter(log: Log, meter: Meter): RedriveReporter {
  return {
    rangeRedriven(range: FailedRange, records) {
      log.info("failed range published", { ...range, records });
      count(meter, "RangesRedriven", 1);
    },
    rangeGone(range, reason) {
      log.error("failed range is lost: flushed all apps", { ...range, reason });
      count(meter, "RangesGone", 1);
    },
    redriveFailed(range, error) {
      log.error("failed range stays in the queue", { ...range, ...describe(error) });
      count(meter, "RedriveFailures", 1);
    },
  };
}

function sweepReporter(log: Log, meter: Meter): SweepReporter {
  return {
    swept(outcome: SweepOutcome) {
      const { unsettled, foreign } = outcome;
      if (unsettled + foreign > 0)
        log.warn("shared cache swept, but for what was left alone", { ...outcome });
      else log.info("shared cache swept", { ...outcome });
      // Also when 0: an alarm on their absence tells that no sweep ends.
      meter.count("SweptApps", outcome.apps);
      meter.count("SweptEntries", outcome.entries);
      meter.count("SweepRepaired", outcome.repaired);
      meter.count("SweepRemoved", outcome.removed);
      meter.count("SweepUnsettled", unsettled);
      meter.count("SweepForeign", foreign);
    },
    sweepFailed(error) {
      log.error("sweep of the shared cache did not finish", describe(error));
      count(meter, "SweepFailures", 1);
    },
  };
}

function canaryReporter(log: Log, meter: Meter): CanaryReporter {
  return {
    canaryMeasured(result, hasSharedCache) {
      const complete = isComplete(result, hasSharedCache);
      const inTime = isInTime(result);
      const say = complete && inTime ? "info" : "warn";
      log[say](`a change is ${complete ? "in effect on every node" : "not confirmed by every node"}`, {
        ...result,
      });
      const { writeMs, streamMs, nodesMs, totalMs, expected, confirmed, vanished = 0 } = result;
      meter.milliseconds("CanaryWriteTime", writeMs);
      if (streamMs !== null) meter.milliseconds("CanaryStreamTime", streamMs);
      if (nodesMs !== null) meter.milliseconds("CanaryNodesTime", nodesMs);
      if (totalMs !== null) meter.milliseconds("CanaryTime", totalMs);
      // Also when 0: alarms ring when there is none.
      meter.count("CanaryNodesExpected", expected);
      meter.count("CanaryNodesConfirmed", confirmed);
      meter.count("CanaryNodesVanished", vanished);
      meter.count("CanaryIncomplete", complete ? 0 : 1);
      meter.count("CanaryInTime", inTime ? 1 : 0);
    },
    canaryFailed(error) {
      log.error("the canary has measured nothing", describe(error));
    },
  };
}

/** The connection to Redis failed outside a publish; ioredis goes on by itself. */
export function connectionError(log: Log, meter: Meter, error: unknown): void {
  log.warn("connection to Redis failed", describe(error));
  count(meter, "RedisErrors", 1);
}

function count(meter: Meter, name: string, value: number): void {
  if (value > 0) meter.count(name, value);
}

/** Words and code. Never the error itself: ioredis errors carry the command's arguments. */
export function describe(error: unknown): { error: string; code?: string } {
  if (error instanceof RedisError) return { error: error.message, code: error.code };
  return { error: error instanceof Error ? error.message : String(error) };
}
