/**
 * `npm run bench:drop`: from the function's invocation to the drop on each of ten real soketi nodes, all on this machine:
 * real DynamoDB Local Streams, the built function, real Redis. What the nodes themselves report of each drop.
 */
import { setTimeout as pause } from "node:timers/promises";
import { startRedis } from "../local/redis-server.ts";
import { startProvidedDynamoDb } from "../test/support/provided-dynamodb.ts";
import { eventually, item, startFleet } from "../test/support/fleet.ts";
import { figure, publish } from "./report.ts";
import { quantile } from "./statistics.ts";

const NODES = 10;
const CHANGES = 400;
const PER_SECOND = 20;
const WARM_UP = 50;

const dynamodb = await startProvidedDynamoDb();
const redis = await startRedis();
const fleet = await startFleet({ dynamodbEndpoint: dynamodb.endpoint, redisUrl: redis.url });

/** App id -> milliseconds, by the number of each node that has dropped it. The first time counts: a replay may come after it. */
const lags = new Map<string, Map<number, number>>();
const onLineOf = (node: number) => (line: string) => {
  const [, appId, ms] = /app-sync: dropped (\S+) \(\w+\), (\d+) ms after/.exec(line) ?? [];
  if (appId === undefined) return;
  const ofNodes = lags.get(appId) ?? new Map<number, number>();
  if (!ofNodes.has(node)) ofNodes.set(node, Number(ms));
  lags.set(appId, ofNodes);
};
const nodes = [];
for (let i = 0; i < NODES; i += 1)
  nodes.push(await fleet.node({ env: { APP_SYNC_DEBUG: "1" }, onLine: onLineOf(i) }));
for (const node of nodes)
  await eventually("the nodes to follow", async () => (await node.metrics()).lease_held === 1);

for (let n = 0; n < CHANGES; n += 1) {
  await fleet.table.put(item(`app-${n}`));
  await pause(1_000 / PER_SECOND);
}
await eventually("every drop", () =>
  Promise.resolve(
    Array.from({ length: CHANGES }, (_, n) => lags.get(`app-${n}`)?.size).every((count) => count === NODES),
  ),
);
await fleet.stop();
await dynamodb.stop();
await redis.stop();

const counted = Array.from({ length: CHANGES - WARM_UP }, (_, n) => [
  ...(lags.get(`app-${n + WARM_UP}`)?.values() ?? []),
]);
const each = counted.flat();
const last = counted.map((all) => Math.max(...all));
const row = (name: string, values: readonly number[]) => [
  name,
  ...[0.5, 0.99, 1].map((share) => `${figure(quantile(values, share))} ms`),
  values.length,
];
publish({
  name: "drop",
  about: `From the function's invocation until the nodes drop the app: ${NODES} soketi nodes, ${PER_SECOND} changes a second.`,
  tables: [
    {
      columns: ["", "p50", "p99", "longest", "of"],
      rows: [row("each node", each), row("the last node of each change", last)],
    },
  ],
  data: { each, last },
});
process.exit(0);
