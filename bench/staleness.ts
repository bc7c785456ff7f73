/**
 * `npm run bench:staleness`: real soketi nodes, one for each way to keep apps, on the same table, the same writes and the
 * same lookups, asked from outside. How stale does each get, and what does it ask of DynamoDB for that?
 *
 * --again    measures nothing, and writes table and plot from the last run
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { openAppsTable } from "../local/apps-table.ts";
import { startRedis } from "../local/redis-server.ts";
import { startProvidedDynamoDb } from "../test/support/provided-dynamodb.ts";
import { keyOf, versionAttributes } from "../test/chaos/nodes/apps.ts";
import { askVersion } from "../test/chaos/nodes/requests.ts";
import { Sightings } from "../test/chaos/nodes/sightings.ts";
import { Random } from "../test/simulation/random.ts";
import { type AwsRecord, startMapping } from "../test/support/event-source-mapping.ts";
import { loadHandler } from "../test/support/fleet.ts";
import { CONTENDERS, type Running, startContender } from "./staleness/contenders.ts";
import { openBento } from "./staleness/open-bento.mjs";
import { againStaleness, publishStaleness, type StalenessFigures } from "./staleness/render.ts";
import { quantile } from "./statistics.ts";

const SECONDS = 180;
const APPS = 60;
const WRITES_PER_SECOND = 2;
/** Of each node, besides those that follow a write. */
const LOOKUPS_PER_SECOND = 20;
/** When each node is asked about an app that was written: milliseconds after the write. */
const ASKED_AFTER = [
  0, 3, 6, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500,
  10_000, 12_500, 15_000, 20_000, 25_000, 30_000, 40_000, 50_000, 60_000, 70_000,
];
/** All subscribers' connections to Redis are cut this often, as in any night of operations. */
const CUT_EVERY_SECONDS = 45;

if (process.argv.includes("--again")) {
  againStaleness();
  process.exit(0);
}

const dynamodb = await startProvidedDynamoDb();
const redis = await startRedis();
const name = `staleness-${randomUUID().slice(0, 8)}`;
const prefix = `{${name}}`;
const table = await openAppsTable(dynamodb.endpoint, name);
const appIds = Array.from({ length: APPS }, (_, i) => `app-${i}`);
/** Each is written once, when subscribers have been cut: no later message makes up for one that was missed. */
const quietIds = Array.from({ length: Math.ceil(SECONDS / CUT_EVERY_SECONDS) }, (_, i) => `quiet-${i}`);
const allIds = [...appIds, ...quietIds];
for (const id of allIds)
  await table.put({
    AppId: { S: id },
    AppKey: { S: keyOf(id) },
    AppSecret: { S: `${id}-secret` },
    ...versionAttributes(1),
  });

const shared = {
  dynamodbPort: Number(new URL(dynamodb.endpoint).port),
  table: name,
  redisUrl: redis.url,
  prefix,
};
const nodes: Running[] = [];
for (const contender of CONTENDERS) nodes.push(await startContender(contender, shared));

const handler = await loadHandler({
  REDIS_URL: redis.url,
  APP_SYNC_PREFIX: prefix,
  APP_MANAGER_DYNAMODB_TABLE: name,
});
const bento = openBento(redis.url);
const mapping = startMapping({
  endpoint: dynamodb.endpoint,
  streamArn: table.streamArn,
  async handler(event, context) {
    await bento.deleteMany({ keys: event.Records.flatMap(keysOf) });
    return handler(event, context);
  },
});

function keysOf({ dynamodb: { Keys } }: AwsRecord): string[] {
  const id = (Keys as { AppId: { S: string } }).AppId.S;
  return [`id:${id}`, `key:${keyOf(id)}`];
}

const seen = new Map(nodes.map((node) => [node, new Map(allIds.map((id) => [id, new Sightings()]))]));
const inFlight = new Set<string>();

/** One question at a time for each node and app, as `Sightings` wants it. */
async function ask(node: Running, id: string): Promise<void> {
  const key = `${node.contender.name}/${id}`;
  if (inFlight.has(key)) return;
  inFlight.add(key);
  const askedAt = performance.now();
  const version = await askVersion(node.node.port, id);
  inFlight.delete(key);
  if (typeof version !== "number")
    throw new Error(
      `expected a version of ${id} from ${node.contender.name}, found ${JSON.stringify(version)}`,
    );
  seen.get(node)?.get(id)?.saw(version, askedAt);
}

const askAll = (id: string) => Promise.all(nodes.map((node) => ask(node, id)));
const random = new Random("staleness");
const work: Promise<unknown>[] = [];
let isOver = false;

async function every(ms: number, act: () => Promise<unknown>): Promise<void> {
  for (let due = performance.now(); !isOver; due += ms) {
    await pause(Math.max(0, due - performance.now()));
    await act();
  }
}

const versions = new Map<string, number>();
let changes = 0;
async function change(id: string): Promise<void> {
  const version = (versions.get(id) ?? 1) + 1;
  versions.set(id, version);
  await table.update(id, versionAttributes(version));
  changes += 1;
  const at = performance.now();
  for (const byApp of seen.values()) byApp.get(id)?.wrote(version, at);
  for (const after of ASKED_AFTER)
    work.push(
      pause(Math.max(0, at + after - performance.now())).then(() => (isOver ? undefined : askAll(id))),
    );
}

// Everybody warm, and BentoCache subscribed.
for (const id of allIds) await askAll(id);
await pause(2_000);
const readsBefore = nodes.map((node) => node.reads());
const admin = new Redis(redis.url);
const quiet = [...quietIds];
const running = [
  every(1_000 / WRITES_PER_SECOND, () => change(random.pick(appIds))),
  every(1_000 / LOOKUPS_PER_SECOND, () => askAll(random.pick(appIds))),
  every(CUT_EVERY_SECONDS * 1_000, async () => {
    await admin.client("KILL", "TYPE", "PUBSUB");
    await change(quiet.shift() ?? random.pick(appIds));
  }),
];
await pause(SECONDS * 1_000);
isOver = true;
await Promise.all([...running, ...work]);
const reads = nodes.map((node, i) => ((node.reads() - (readsBefore[i] ?? 0)) * 60) / SECONDS);
for (const node of nodes) await node.stop();
await mapping.stop();
await bento.disconnectAll();
admin.disconnect();
await dynamodb.stop();
await redis.stop();

const found = nodes.map((node, i): StalenessFigures => {
  const all = [...(seen.get(node)?.values() ?? [])];
  const pending = all.filter(({ isPending }) => isPending);
  const stale = [
    ...all.flatMap(({ settled }) => settled),
    ...pending.map(({ pendingStaleMs }) => pendingStaleMs),
  ];
  return {
    name: node.contender.name,
    readsPerMinute: reads[i] ?? 0,
    p50: quantile(stale, 0.5),
    p99: quantile(stale, 0.99),
    max: Math.max(...stale),
    /** Apps that were still served as they had been, a minute and more after their change. */
    neverSeen: pending.filter(({ pendingStaleMs }) => pendingStaleMs > 65_000).length,
  };
});

publishStaleness(
  `How long after a write a node still answered with older data: six soketi nodes, ${APPS} apps, ${changes} writes in ${SECONDS} s. Each node ` +
    `answers ${LOOKUPS_PER_SECOND} lookups a second, and ${ASKED_AFTER.length} after each write. Every ${CUT_EVERY_SECONDS} s all connections to Redis ` +
    "are cut and an app is written that does not change again.",
  found,
);
process.exit(0);
