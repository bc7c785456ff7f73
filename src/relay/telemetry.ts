import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { createJsonLog, type Telemetry } from "../lambda/powertools.ts";
import { connectionError, createReporters, describe, type Log } from "../lambda/reporters.ts";
import { BEHIND_LIMIT_MS, type Health, isWell } from "./health.ts";
import { OUTCOMES } from "./read-shard.ts";
import type { RelayOptions } from "./relay.ts";
import type { RelayState } from "./state.ts";
import type { TakeContext } from "./take-records.ts";

/** The pipeline's own numbers keep its names, in Prometheus' spelling; docs/reference/metrics.md explains each. */
const PIPELINE = "soketi_app_sync_pipeline_";
const RELAY = "soketi_app_sync_relay_";

/** The pipeline's counters. */
const COUNTERS: Readonly<Record<string, string>> = {
  Published: "Changes that Redis took.",
  Coalesced: "Changes merged with a later one of the same app.",
  Unchanged: "Records without a change that soketi reads.",
  InvalidItems: "Written items with problems; the log names app and attributes.",
  UnreadableRecords: "Records that name no app; all nodes were flushed instead.",
  AppsNotRefreshed: "Apps that wait for the next sweep of the shared cache.",
  PublishFailures: "Batches that could not be published at once; retried.",
  BatchRetries: "Batches that were retried.",
  RedisErrors: "Failures of Redis.",
  SweptApps: "Apps of the table that a sweep compared.",
  SweptEntries: "Entries of the shared cache that a sweep compared.",
  SweepRepaired: "Entries that differed from the table and were corrected.",
  SweepRemoved: "Entries of deleted apps.",
  SweepUnsettled: "Apps that kept changing and were left to the next sweep.",
  SweepForeign: "Keys of another type under names of entries, at each sweep; they are left alone.",
  SweepFailures: "Sweeps that did not finish.",
};

/** From milliseconds to a minute: what a change takes from the table to Redis. Seconds. */
const AGE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

type RelayReport = RelayOptions["report"] & TakeContext["report"];

export interface RelayTelemetry {
  readonly log: Log;
  readonly pipeline: Telemetry;
  readonly report: RelayReport;
  /** What `/metrics` shows. */
  readonly metrics: () => Promise<string>;
  readonly contentType: string;
}

/** @param health asked for at each scrape. */
export function createRelayTelemetry(state: RelayState, health: () => Health): RelayTelemetry {
  const log = createJsonLog();
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const meter = createMeter(registry);
  const counters = relayCounters(registry);
  registerGauges(registry, state, health);
  return {
    log,
    pipeline: {
      report: createReporters(log, meter),
      connectionError: (error) => connectionError(log, meter, error),
      // They are read when somebody asks.
      flush: () => undefined,
    },
    report: createReport(log, counters, state),
    metrics: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function createMeter(registry: Registry) {
  const registers = [registry];
  const counters = new Map(
    Object.entries(COUNTERS).map(([name, help]) => [
      name,
      new Counter({ name: `${PIPELINE}${snakeCase(name)}_total`, help, registers }),
    ]),
  );
  const problems = new Counter({
    name: `${PIPELINE}item_problems_total`,
    help: "Problems of written items, by code.",
    labelNames: ["code"],
    registers,
  });
  const age = new Histogram({
    name: `${PIPELINE}publish_age_seconds`,
    help: "From the oldest write in a batch to Redis' answer.",
    buckets: AGE_BUCKETS,
    registers,
  });
  return {
    count: (name: string, value: number) => counters.get(name)?.inc(value),
    milliseconds: (_name: string, value: number) => age.observe(value / 1_000),
    problem: (code: string) => problems.inc({ code }),
  };
}

function relayCounters(registry: Registry) {
  /** Every label is there from the start, with 0: Prometheus does not see the first of what begins with 1. */
  const counter = (name: string, help: string, label?: string, values: readonly string[] = []) => {
    const labelNames = label === undefined ? [] : [label];
    const made = new Counter({ name: RELAY + name, help, labelNames, registers: [registry] });
    for (const value of values) made.inc({ [label ?? ""]: value }, 0);
    return made;
  };
  return {
    reads: counter(
      "stream_reads_total",
      "Requests for records, which AWS bills, by outcome.",
      "outcome",
      OUTCOMES,
    ),
    lost: counter("records_lost_total", "Times that records expired before they were read; each is a flush."),
    givenUp: counter(
      "records_given_up_total",
      "Records that could not be handled, by what was published instead.",
      "instead",
      ["invalidation", "flush"],
    ),
    terms: counter("terms_total", "How often this relay became active."),
  };
}

function registerGauges(registry: Registry, state: RelayState, health: () => Health): void {
  const gauge = (name: string, help: string, read: () => number | undefined) =>
    new Gauge({
      name: RELAY + name,
      help,
      registers: [registry],
      collect() {
        const value = read();
        if (value === undefined) this.reset();
        else this.set(value);
      },
    });
  gauge("active", "1 while this relay reads the stream.", () => (state.role === "active" ? 1 : 0));
  gauge("healthy", "1 while /health answers 200.", () => (isWell(health()) ? 1 : 0));
  gauge("shards", "Shards being read.", () => state.shards);
  gauge(
    "behind_seconds",
    `How long ago the stream was last read to its end; 0 while another is active. /health fails beyond ${BEHIND_LIMIT_MS / 1_000}.`,
    () => (state.behindMs ?? 0) / 1_000,
  );
}

function createReport(
  log: Log,
  { reads, lost, givenUp, terms }: ReturnType<typeof relayCounters>,
  state: RelayState,
): RelayReport {
  /** The same trouble again and again is one line, until something else happens. */
  let said: string | undefined;
  const once = (key: string, write: () => void) => {
    if (said !== key) write();
    said = key;
  };
  return {
    streamRead: (outcome) => reads.inc({ outcome }),
    recordsLost(shard, reason) {
      log.error("stream records are lost: flushed all apps", { shard, reason });
      lost.inc();
    },
    recordGivenUp(sequenceNumber, error, instead) {
      log.error("a record could not be handled for too long", {
        sequenceNumber,
        instead,
        ...describe(error),
      });
      givenUp.inc({ instead });
    },
    streamBegun: (stream, reason) =>
      log.warn("the stream is read from its oldest record: flushed all apps", { stream, reason }),
    listingFailed: (error) =>
      once(`listing ${describe(error).error}`, () => log.warn("could not check the stream", describe(error))),
    termBegan(token) {
      terms.inc();
      said = undefined;
      log.info("this relay is active", { term: token, stream: state.stream });
    },
    termEnded: (token, reason) => log.warn("this relay is no longer active", { term: token, reason }),
    waiting: (error) => once(`waiting ${describe(error).error}`, () => log.warn("waiting", describe(error))),
  };
}

function snakeCase(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
