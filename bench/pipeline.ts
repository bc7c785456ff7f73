/**
 * `npm run bench:pipeline`: from a batch of stream records to Redis, beside the plain way: util-dynamodb's unmarshall, JSON,
 * one PUBLISH for each record. Real Redis; alternating; CPU of this process, and round trips as Redis counts them.
 */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { Redis } from "ioredis";
import { ioredis } from "../src/redis/ioredis.ts";
import { openRedis } from "../src/redis/connection.ts";
import { createRedisLog } from "../src/redis/log.ts";
import { startRedis } from "../local/redis-server.ts";
import { provide } from "../local/provide.ts";
import { REDIS } from "../local/requirements.mjs";
import { runBatch } from "../src/pipeline/run-batch.ts";
import { busNames } from "../src/protocol/names.ts";
import { modify } from "../test/factories/stream-event.ts";
import { silentReporter } from "../test/support/silent-reporter.ts";
import { publish, SPREAD, spread } from "./report.ts";
import { median } from "./statistics.ts";

const SIZES = [1, 100, 1_000, 10_000];
const ROUNDS = 15;
/** Records of one measurement: a small batch is measured many times over. */
const RECORDS = 20_000;

provide(REDIS, console.log);
const server = await startRedis();
const settings = { kind: "standalone", host: "127.0.0.1", port: server.port, db: 0, tls: false } as const;
const connection = openRedis({
  library: ioredis,
  settings,
  timeouts: { connectMs: 1_500, commandMs: 10_000, retriesPerCommand: 1 },
  // The batch that fails for it says so.
  onError: () => undefined,
});
const log = createRedisLog(connection, busNames("{bench}"), { logLength: 10_000, logBytes: 2 ** 25 });
const plain = new Redis(server.url);
const admin = new Redis(server.url);

/** Every record another app, all attributes set, and each changes its limits. */
function eventOf(records: number) {
  const full = (app: number, number: number) => ({
    MaxConnections: { N: String(number) },
    Enabled: { B: "dHJ1ZQ==" },
    EnableClientMessages: { B: "ZmFsc2U=" },
    MaxBackendEventsPerSecond: { N: "-1" },
    MaxClientEventsPerSecond: { N: "-1" },
    MaxReadRequestsPerSecond: { N: "-1" },
    Webhooks: { S: `[{"url":"https://hooks.example.com/${app}","event_types":["channel_occupied"]}]` },
  });
  return {
    Records: Array.from({ length: records }, (_, i) => modify(`app-${i}`, full(i, i), full(i, i + 1))),
  };
}

type Way = (event: ReturnType<typeof eventOf>) => Promise<void>;

const ways: Record<string, Way> = {
  "soketi-app-sync": async (event) => {
    await runBatch(event, {
      log,
      report: silentReporter,
      table: "apps",
      now: Date.now,
      remainingMs: () => 30_000,
    });
  },
  "the plain way": async ({ Records }) => {
    await Promise.all(
      Records.map(({ dynamodb }) => {
        const image = (dynamodb as { NewImage?: Parameters<typeof unmarshall>[0] }).NewImage;
        return plain.publish("plain", JSON.stringify(image && unmarshall(image)));
      }),
    );
  },
};

/** EVALSHA or PUBLISH from clients, since the last reset; what a script calls is not a round trip. */
async function roundTrips(): Promise<number> {
  const stats = await admin.info("commandstats");
  const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  return calls("evalsha") > 0 ? calls("evalsha") : calls("publish");
}

async function measure(way: Way, size: number) {
  const events = Array.from({ length: Math.min(2_000, Math.ceil(RECORDS / size)) }, () => eventOf(size));
  await admin.config("RESETSTAT");
  const startedAt = performance.now();
  const before = process.cpuUsage();
  for (const event of events) await way(event);
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - startedAt;
  const records = events.length * size;
  return {
    cpu: (user + system) / records,
    wall: (ms * 1_000) / records,
    trips: (await roundTrips()) / events.length,
  };
}

type Figures = Awaited<ReturnType<typeof measure>>;

const results: { size: number; way: string; figures: Figures[] }[] = [];
for (const size of SIZES) {
  const ofSize = Object.entries(ways).map(([way, run]) => ({ size, way, run, figures: [] as Figures[] }));
  for (let round = -3; round < ROUNDS; round += 1) {
    for (const { run, figures } of ofSize) {
      const figure = await measure(run, size);
      if (round >= 0) figures.push(figure);
    }
  }
  results.push(...ofSize);
}
for (const redis of [connection, plain, admin]) redis.disconnect();
await server.stop();

publish({
  name: "pipeline",
  about:
    "CPU microseconds for each record, from a batch to Redis. The plain way is `unmarshall`, JSON and a PUBLISH for each record, all sent at " +
    "once: no normalizing, comparison, log or handling of failures.",
  tables: [
    {
      columns: ["records in a batch", "", ...SPREAD, "round trips of a batch"],
      rows: results.map(({ size, way, figures }) => [
        size.toLocaleString("en"),
        way,
        ...spread(figures.map(({ cpu }) => cpu)),
        median(figures.map(({ trips }) => trips)).toLocaleString("en"),
      ]),
    },
  ],
  data: results.map(({ size, way, figures }) => ({ size, way, figures })),
});
process.exit(0);
