import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { openAppsTable } from "../../../local/apps-table.ts";
import { startRedis } from "../../../local/redis-server.ts";
import { startSoketi } from "../../../local/soketi-node.ts";
import { agentFile } from "../../../local/stack.ts";
import { busNames } from "../../../src/protocol/names.ts";
import { type Image, modify } from "../../factories/stream-event.ts";
import { eventually, loadHandler } from "../../support/fleet.ts";
import { askVersion } from "../nodes/requests.ts";
import { keyOf, versionAttributes } from "../nodes/apps.ts";

export interface BulkWrite {
  readonly name: string;
  /** Redis' `maxmemory`, and how much of it something else has. Megabytes. */
  readonly memory: number;
  readonly foreign: number;
}

/** With the default of `APP_SYNC_LOG_BYTES`, and where even that is too much. */
export const BULK_WRITES: readonly BulkWrite[] = [
  { name: "128 MB", memory: 128, foreign: 0 },
  { name: "128 MB, 112 MB of it used otherwise", memory: 128, foreign: 112 },
];

export interface BulkOutcome {
  readonly name: string;
  readonly apps: number;
  readonly seconds: number;
  /** Batches that went back to the stream, and changes of one app after it that did. */
  readonly refused: number;
  readonly refusedAfter: number;
  /** At its most, while it was written: megabytes of Redis. */
  readonly peakMb: number;
  /** Messages in the log at the end, and what Redis needs for them. Megabytes. */
  readonly logLength: number;
  readonly logMb: number;
  readonly flushes: number;
  /** Of the apps that the node had in use: those that it served as before at the end. */
  readonly stale: number;
}

const BATCH = 100;
/** Apps that the node has in use; they are among those that are written. */
const WATCHED = 200;
/** Changes of one app each, after the bulk. */
const AFTER = 20;
const MB = 1e6;
const watchedId = (i: number) => `watched-${i}`;

/** Half a kilobyte of view for each, as a usual app has. */
const WEBHOOKS: Image = {
  Webhooks: {
    S: JSON.stringify(
      ["a", "b"].map((host) => ({
        url: `https://${host}.hooks.example.com/pusher`,
        event_types: ["channel_occupied", "channel_vacated", "member_added"],
      })),
    ),
  },
};

/** Writes to all apps, handled by the built function, under a Redis with little room; and one real node that has some in use. */
export async function runBulkWrite(
  { name, memory, foreign }: BulkWrite,
  dynamodbEndpoint: string,
  apps: number,
): Promise<BulkOutcome> {
  const id = `bulk-${randomUUID().slice(0, 8)}`;
  const names = busNames(`{${id}}`);
  const redisServer = await startRedis({ args: ["--maxmemory", `${memory}mb`] });
  const admin = new Redis(redisServer.url);
  for (let i = 0; i < foreign; i += 1) await admin.set(`foreign:${i}`, "x".repeat(MB));
  const table = await openAppsTable(dynamodbEndpoint, id);
  const env = { REDIS_URL: redisServer.url, APP_SYNC_PREFIX: `{${id}}`, APP_MANAGER_DYNAMODB_TABLE: id };
  const handler = await loadHandler(env);
  const write = (appId: string, version: number) =>
    table.put({
      AppId: { S: appId },
      AppKey: { S: keyOf(appId) },
      AppSecret: { S: `${appId}-secret` },
      ...versionAttributes(version),
    });
  for (let i = 0; i < WATCHED; i += 1) await write(watchedId(i), 1);
  const node = await startSoketi({
    dynamodbEndpoint,
    table: id,
    redisUrl: redisServer.url,
    agent: agentFile,
    env: { APP_SYNC_PREFIX: `{${id}}`, APP_SYNC_VERIFY_EVERY_MS: "0" },
  });

  const versions = () =>
    Promise.all(Array.from({ length: WATCHED }, (_, i) => askVersion(node.port, watchedId(i))));
  const invoke = async (records: readonly object[]) => {
    const answer = await handler({ Records: records }, { getRemainingTimeInMillis: () => 30_000 });
    return answer.batchItemFailures.length > 0 ? 1 : 0;
  };
  const record = (appId: string, version: number) =>
    modify(appId, WEBHOOKS, { ...WEBHOOKS, ...versionAttributes(version) });
  const used = async () => Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1]);

  try {
    await eventually("the lease", async () => (await node.metrics()).lease_held === 1);
    await versions();
    const every = Math.max(1, Math.floor(apps / BATCH / WATCHED));
    const begun = performance.now();
    let [refused, peak, watched] = [0, 0, 0];
    for (let first = 0, batch = 0; first < apps; first += BATCH, batch += 1) {
      const ids = Array.from({ length: Math.min(BATCH, apps - first) }, (_, i) => `app-${first + i}`);
      if (batch % every === 0 && watched < WATCHED) {
        ids[0] = watchedId(watched);
        await write(watchedId(watched), 2);
        watched += 1;
      }
      refused += await invoke(ids.map((appId) => record(appId, 2)));
      if (batch % 100 === 0) peak = Math.max(peak, await used());
    }
    const seconds = (performance.now() - begun) / 1_000;
    let refusedAfter = 0;
    for (let i = 0; i < AFTER; i += 1) {
      await write(watchedId(i), 3);
      refusedAfter += await invoke([record(watchedId(i), 3)]);
    }
    const last = async () => (await admin.hget(names.last, "next"))?.split("-")[1];
    await eventually(
      "the node to have followed",
      async () => (await node.metrics()).cursor === Number(await last()) - 1,
      60_000,
    );
    const found = await versions();
    const flushed = Object.entries(await node.metrics()).filter(([metric]) =>
      metric.startsWith("flushes_total"),
    );
    return {
      name,
      apps,
      seconds,
      refused,
      refusedAfter,
      peakMb: peak / MB,
      logLength: await admin.xlen(names.log),
      logMb: Number(await admin.call("MEMORY", "USAGE", names.log, "SAMPLES", 0)) / MB,
      flushes: flushed.reduce((sum, [, count]) => sum + count, 0),
      stale: found.filter((version, i) => version !== (i < AFTER ? 3 : 2)).length,
    };
  } finally {
    await node.stop();
    admin.disconnect();
    await redisServer.stop();
  }
}

/** As Markdown, for docs/scale.md. */
export function bulkTable(outcomes: readonly BulkOutcome[]): string {
  return [
    "| `maxmemory` | apps | took | batches refused | later changes refused | Redis peak | log messages | log size | flushes | stale at the end |",
    `|${"---|".repeat(10)}`,
    ...outcomes.map(
      (one) =>
        `| ${one.name} | ${one.apps.toLocaleString("en")} | ${one.seconds.toFixed(0)} s | ${one.refused} | ${one.refusedAfter} of ${AFTER} | ` +
        `${one.peakMb.toFixed(0)} MB | ${one.logLength.toLocaleString("en")} | ${one.logMb.toFixed(0)} MB | ${one.flushes} | ${one.stale} of ${WATCHED} |`,
    ),
  ].join("\n");
}
