import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { createAppsReader } from "../aws/apps-reader.ts";
import { openDynamoDb } from "../aws/clients.ts";
import { createTableStream, type TableStream } from "../aws/table-stream.ts";
import { StreamThrottledError, StreamUnreachableError } from "../aws/errors.ts";
import { describeRedis } from "../config/describe-redis.ts";
import type { RelayConfig } from "../config/relay.ts";
import { openPipeline, type Pipeline } from "../lambda/open-pipeline.ts";
import { createRelayLease } from "../redis/relay-lease.ts";
import { healthOf } from "./health.ts";
import { Relay } from "./relay.ts";
import { startRelayServer } from "./server.ts";
import { RelayState } from "./state.ts";
import { sweepRegularly } from "./sweep-regularly.ts";
import { takeRecords } from "./take-records.ts";
import { createRelayTelemetry, type RelayTelemetry } from "./telemetry.ts";

/** An answer of DynamoDB takes some milliseconds; together with the pause before it is missed, less than a lease. */
const STREAM_LIMIT_MS = 2_000;

/** How often new shards, and another stream of the table, are looked for. These requests are free. Milliseconds. */
const LIST_MS = 10_000;

/** Of one attempt at a batch. Milliseconds. */
const BATCH_LIMIT_MS = 30_000;

/** A silent Redis is found out well within a lease. */
const REDIS_TIMEOUTS = { connectMs: 1_000, commandMs: 1_000, silenceMs: 500, retriesPerCommand: 1 };

/** What a sweep has: nothing stops it but the end of its term. */
const NO_DEADLINE = { getRemainingTimeInMillis: () => Number.POSITIVE_INFINITY };

const clock = () => performance.now();

/**
 * Runs one relay until the signal is aborted, then ends between two batches.
 *
 * @throws NoStreamError, ViewTypeError, AwsCredentialsError or StreamGoneError when the table's stream cannot be read as things
 *   are; ListenError. Redis, and a DynamoDB that gives no answer, are waited for.
 */
export async function startRelay(config: RelayConfig, signal: AbortSignal): Promise<void> {
  const clients = openDynamoDb(config);
  const stream = createTableStream({ clients, table: config.table, limitMs: STREAM_LIMIT_MS });
  const state = new RelayState(clock);
  const health = () => healthOf(state, config.table, config.leaseMs);
  const telemetry = createRelayTelemetry(state, health);
  await assertReadable(stream, signal);
  const server = await startRelayServer({
    host: config.host,
    port: config.port,
    health,
    metrics: telemetry.metrics,
    metricsType: telemetry.contentType,
  });
  const table = createAppsReader(clients.tables, config.table);
  const pipeline = openPipeline(config, { timeouts: REDIS_TIMEOUTS, table, telemetry: telemetry.pipeline });
  try {
    telemetry.log.info("relay started", {
      table: config.table,
      redis: describeRedis(config.redis),
      port: server.port,
    });
    const beside = (term: Parameters<typeof sweepRegularly>[0]) =>
      sweepRegularly(term, {
        sharedCache: pipeline.batch(NO_DEADLINE).sharedCache,
        table,
        intervalMs: config.sweepMs,
        report: pipeline.telemetry.report,
        now: Date.now,
      });
    await createRelay(config, { stream, state, telemetry, pipeline, beside }).run(signal);
  } finally {
    await server.close();
    pipeline.redis.connection.disconnect();
    pipeline.redis.witnesses.close();
    clients.tables.destroy();
    clients.streams.destroy();
  }
  telemetry.log.info("relay ended", {});
}

interface RelayDependencies {
  readonly stream: TableStream;
  readonly state: RelayState;
  readonly telemetry: RelayTelemetry;
  readonly pipeline: Pipeline;
  readonly beside: ConstructorParameters<typeof Relay>[0]["beside"];
}

function createRelay(
  config: RelayConfig,
  { stream, state, telemetry, pipeline, beside }: RelayDependencies,
): Relay {
  const { names, leaseMs, pollMs } = config;
  const { redis, log } = pipeline;
  const holder = `${hostname()} ${process.pid} ${randomUUID()}`;
  const report = {
    ...pipeline.telemetry.report,
    publishFailed(error: unknown, sequenceNumber: string, changes: number) {
      state.troubleWith("batch", error);
      pipeline.telemetry.report.publishFailed(error, sequenceNumber, changes);
    },
  };
  return new Relay({
    lease: createRelayLease({ connection: redis.connection, names, holder, leaseMs }),
    log,
    names,
    stream,
    state,
    leaseMs,
    pollMs,
    listMs: LIST_MS,
    prepare: () => redis.prepare(),
    beside,
    report: telemetry.report,
    clock,
    now: Date.now,
    async take(shard, records, { checkpoints, signal }) {
      const batch = () => {
        const until = clock() + BATCH_LIMIT_MS;
        const { log: _, ...context } = pipeline.batch({ getRemainingTimeInMillis: () => until - clock() });
        // Records that are read from the stream do not say which one it is.
        return { ...context, streamArn: checkpoints.stream, report };
      };
      const now = Date.now;
      await takeRecords(records, { shard, checkpoints, batch, report: telemetry.report, signal, clock, now });
      state.wellAgain("batch");
    },
  });
}

/** What nobody but the operator can change is told at once; what passes is waited for. */
async function assertReadable(stream: TableStream, signal: AbortSignal): Promise<void> {
  try {
    await stream.shards(await stream.find(signal), signal);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof StreamUnreachableError || error instanceof StreamThrottledError) return;
    throw error;
  }
}
