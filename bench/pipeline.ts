/**
 * `npm run bench:pipeline`: from a batch of stream records to Redis, beside the plain way: util-dynamodb's unmarshall, JSON,
 * one PUBLISH for each record. Real Redis; alternating; CPU of this process, and round trips as Redis counts them.
 */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { Redis } from "ioredis";
import { ioredis } from "../src/adapters/ioredis.ts";
import { openRedis } from "../src/adapters/redis.ts";
import { createRedisLog } from "../src/adapters/redis-log.ts";
import { startRedis } from "../src/local/redis-server.ts";
import { provide, REDIS } from "../src/local/requirements.ts";
import { runBatch } from "../src/pipeline/run-batch.ts";
import { busNames } from "../src/protocol/names.ts";
import { modify } from "../test/factories/stream-event.ts";
import { report } from "./report.ts";
import { median } from "./statistics.ts";

const SIZES = [1, 100, 1_000, 10_000];
const ROUNDS = 15;
/** Records of one measurement: a small batch is measured many times over. */
const RECORDS = 20_000;

const silent = {
  itemProblems: () => undefined,
  unreadableRecord: () => undefined,
  batchStarted: () => undefined,
  published: () => undefined,
  publishFailed: (error: unknown) => {
    throw error;
  },
};

provide(REDIS, console.log);
const server = await startRedis();
const settings = { kind: "standalone", host: "127.0.0.1", port: server.port, db: 0, tls: false } as const;
const connection = openRedis(ioredis, settings, {
  connectMs: 1_500,
  commandMs: 10_000,
  retriesPerCommand: 1,
});
const log = createRedisLog(connection, busNames("{bench}"), 10_000);
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
    await runBatch(event, { log, report: silent, table: "apps", now: Date.now, remainingMs: () => 30_000 });
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

for (const size of SIZES) {
  const results: Record<string, { cpu: number; wall: number; trips: number }[]> = {};
  for (let round = -3; round < ROUNDS; round += 1) {
    for (const [name, way] of Object.entries(ways)) {
      const figures = await measure(way, size);
      if (round >= 0) (results[name] ??= []).push(figures);
    }
  }
  const series = Object.entries(results);
  for (const figure of ["cpu", "wall"] as const) {
    const unit = figure === "cpu" ? "microseconds of CPU for a record" : "microseconds for a record";
    report(
      `Batches of ${size}`,
      unit,
      series.map(([name, all]) => ({ name, values: all.map((one) => one[figure]) })),
    );
  }
  for (const [name, all] of series)
    console.log(`${name}: ${median(all.map(({ trips }) => trips))} round trips for a batch`);
}
for (const redis of [connection, plain, admin]) redis.disconnect();
await server.stop();
process.exit(0);
