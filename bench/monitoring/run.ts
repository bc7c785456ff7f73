import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../../local/pusher-client.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { versionAttributes } from "../../test/chaos/nodes/apps.ts";
import { askVersion } from "../../test/chaos/nodes/asking.ts";
import { Random } from "../../test/simulation/random.ts";
import type { AwsRecord } from "../../test/support/event-source-mapping.ts";
import { eventually, item, startFleet } from "../../test/support/fleet.ts";
import { startProvidedDynamoDb } from "../../test/support/local-dynamodb.ts";
import { RULES } from "../../test/support/monitoring.ts";
import { startPrometheus } from "../../test/support/prometheus.ts";
import { queryPanels, type Recording } from "./recording.ts";

const SECONDS = 240;
const APPS = 60;
const CLIENTS = 20;
const WRITES_PER_SECOND = 2;
/** Of each node. */
const LOOKUPS_PER_SECOND = 20;

const dates = new Map<string, number>();

/** DynamoDB Local dates a write to the minute, AWS to the second. A record is seen 20 ms after its write, and perhaps again. */
function datedToTheSecond({ Records }: { readonly Records: readonly AwsRecord[] }): object {
  return {
    Records: Records.map(({ dynamodb, ...record }) => {
      const date = dates.get(dynamodb.SequenceNumber) ?? Math.floor(Date.now() / 1_000);
      dates.set(dynamodb.SequenceNumber, date);
      return { ...record, dynamodb: { ...dynamodb, ApproximateCreationDateTime: date } };
    }),
  };
}

/** Three real nodes, asked and written to, of which the third loses what it needs; and what a real Prometheus saw of it. */
export async function recordFleet(say: (line: string) => void): Promise<Recording> {
  // The function's metrics go to the terminal otherwise.
  process.env.POWERTOOLS_METRICS_DISABLED = "true";
  const random = new Random("monitoring");
  const dynamodb = await startProvidedDynamoDb();
  let redis = await startRedis();
  const toRedis = await startProxy({ host: "127.0.0.1", port: redis.port });
  const toDynamoDb = await startProxy({ host: "127.0.0.1", port: dynamodb.port });
  const fleet = await startFleet({
    dynamodbEndpoint: dynamodb.endpoint,
    redisUrl: redis.url,
    wrap: (handler) => (event, context) =>
      handler(datedToTheSecond(event as { Records: AwsRecord[] }), context),
  });
  const appIds = Array.from({ length: APPS }, (_, i) => `app-${i}`);
  for (const id of appIds) await fleet.table.put(item(id, versionAttributes(1)));
  const nodes = await Promise.all([
    fleet.node(),
    fleet.node(),
    fleet.node({
      redisUrl: `redis://127.0.0.1:${toRedis.port}`,
      dynamodbEndpoint: `http://127.0.0.1:${toDynamoDb.port}`,
    }),
  ]);
  const targets = Object.fromEntries(
    nodes.map((node, i) => [`soketi-${i + 1}`, `127.0.0.1:${node.metricsPort}`]),
  );
  const prometheus = await startPrometheus({ targets, rules: RULES, every: "1s" });
  for (const node of nodes) await eventually("a lease", async () => (await node.metrics()).lease_held === 1);
  const clients = await Promise.all(
    nodes.flatMap(({ port }) => appIds.slice(0, CLIENTS).map((id) => connect({ port, key: `${id}-key` }))),
  );

  let isOver = false;
  const every = async (ms: number, act: () => Promise<unknown>) => {
    for (let due = performance.now(); !isOver; due += ms) {
      await pause(Math.max(0, due - performance.now()));
      await act();
    }
  };
  const asked: Promise<unknown>[] = [];
  const work = [
    every(1_000 / LOOKUPS_PER_SECOND, () => {
      // Not waited for: a node that waits for its table must not be asked less.
      for (const { port } of nodes) asked.push(askVersion(port, random.pick(appIds)));
      return Promise.resolve();
    }),
    every(1_000 / WRITES_PER_SECOND, () =>
      fleet.table.update(random.pick(appIds), versionAttributes(1 + random.integer(0, 1_000))),
    ),
  ];

  const start = Math.ceil(Date.now() / 1_000) + 10;
  const at = (second: number) => pause(Math.max(0, (start + second) * 1_000 - Date.now()));
  const marks: { text: string; from: number; to: number }[] = [];
  const mark = (text: string, from: number, to = from) => {
    say(`${from} s: ${text}`);
    marks.push({ text, from, to });
  };

  await at(30);
  mark("soketi-3 cannot reach Redis", 30, 95);
  toRedis.refuse(true);
  toRedis.cut();
  await at(65);
  mark("nor DynamoDB", 65, 85);
  toDynamoDb.refuse(true);
  toDynamoDb.cut();
  await at(85);
  toDynamoDb.refuse(false);
  await at(95);
  toRedis.refuse(false);
  await at(130);
  mark("10 apps with clients are disabled; one gets a flag that is none", 130, 131);
  for (const id of appIds.slice(0, CLIENTS / 2)) await fleet.table.update(id, { Enabled: { BOOL: false } });
  await fleet.table.update(appIds.at(-1) ?? "", { EnableClientMessages: { S: "perhaps" } });
  await at(170);
  mark("Redis is killed, and comes back empty", 170, 182);
  redis.child.signal("SIGKILL");
  await redis.child.exited;
  await at(182);
  redis = await startRedis({ port: redis.port });
  await at(SECONDS);

  const panels = await queryPanels(prometheus, { start, end: start + SECONDS });
  isOver = true;
  await Promise.all([...work, ...asked]);
  for (const client of clients) client.disconnect();
  await prometheus.stop();
  await fleet.stop();
  await toRedis.close();
  await toDynamoDb.close();
  await redis.stop();
  await dynamodb.stop();
  return { seconds: SECONDS, marks, panels };
}
