/**
 * `npm run bench:relay`: from a write to the drop on a real soketi node, by a relay and by the function under serverless offline,
 * side by side on one table; then what each takes while nothing is written.
 */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { openAppsTable } from "../local/apps-table.ts";
import type { Child } from "../local/child.ts";
import { startOffline } from "../local/offline.ts";
import { startRedis } from "../local/redis-server.ts";
import { startRelay } from "../local/relay.ts";
import { startSoketi } from "../local/soketi-node.ts";
import { agentFile } from "../local/stack.ts";
import { eventually, item } from "../test/support/fleet.ts";
import { startProvidedDynamoDb } from "../test/support/provided-dynamodb.ts";
import { figure, publish } from "./report.ts";
import { quantile } from "./statistics.ts";

const CHANGES = 200;
const WARM_UP = 20;
/** Between two writes, so that they fall anywhere between two polls. Milliseconds. */
const [SHORTEST_MS, LONGEST_MS] = [60, 340];
const REST_MS = 60_000;
/** Of `CLK_TCK`, in which Linux counts a process' time. */
const TICKS_PER_SECOND = 100;

const dynamodb = await startProvidedDynamoDb();
const table = await openAppsTable(dynamodb.endpoint, "apps");

interface Contender {
  readonly name: string;
  readonly child: Child;
  /** Where its metrics are; a relay only. */
  readonly url: string | undefined;
  /** App id -> when its node has dropped it. */
  readonly dropped: Map<string, number>;
  stop(): Promise<void>;
}

/** One way to read the stream, with a Redis and a node of its own. */
async function contend(name: string, pollMs: number | undefined): Promise<Contender> {
  const redis = await startRedis();
  const place = { redisUrl: redis.url, dynamodbEndpoint: dynamodb.endpoint, table: table.name };
  const env = { APP_SYNC_RELAY_POLL_MS: String(pollMs) };
  const { child, url, ...reader } =
    pollMs === undefined
      ? { url: undefined, ...(await startOffline(place)) }
      : await startRelay({ ...place, env });
  const dropped = new Map<string, number>();
  const node = await startSoketi({
    ...place,
    name: `soketi behind ${name}`,
    agent: agentFile,
    env: { APP_SYNC_DEBUG: "1" },
    onLine(line) {
      const [, appId] = /app-sync: dropped (\S+) \(/.exec(line) ?? [];
      if (appId !== undefined && !dropped.has(appId)) dropped.set(appId, Date.now());
    },
  });
  await eventually("the node to follow", async () => (await node.metrics()).lease_held === 1);
  return {
    name,
    child,
    url,
    dropped,
    async stop() {
      await node.stop();
      await reader.stop();
      await redis.stop();
    },
  };
}

/** The user and system time of a process so far. Seconds. */
function cpuSeconds({ pid }: Child): number {
  // After the name in parentheses, which may have spaces, from field 3 on.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function readsOf({ url }: Contender): Promise<number | undefined> {
  if (url === undefined) return undefined;
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = text.matchAll(/^soketi_app_sync_relay_stream_reads_total\{.*\} (\d+)$/gm);
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
}

const contenders = [
  await contend("relay, polling each 250 ms (the default, and Lambda's)", 250),
  await contend("relay, polling each 20 ms", 20),
  await contend("function under serverless offline, polling each 20 ms", undefined),
];
const written = new Map<string, number>();
for (let n = 0; n < WARM_UP + CHANGES; n += 1) {
  await table.put(item(`app-${n}`));
  written.set(`app-${n}`, Date.now());
  await pause(randomInt(SHORTEST_MS, LONGEST_MS));
}
await eventually("every drop", () =>
  Promise.resolve(
    contenders.every(({ dropped }) => [...written.keys()].every((appId) => dropped.has(appId))),
  ),
);

const atRest = async () =>
  Promise.all(contenders.map(async (one) => ({ cpu: cpuSeconds(one.child), reads: await readsOf(one) })));
const before = await atRest();
await pause(REST_MS);
const after = await atRest();
const perDay = 86_400_000 / REST_MS;

const results = contenders.map(({ name, dropped }, i) => ({
  name,
  ms: [...written].slice(WARM_UP).map(([appId, at]) => (dropped.get(appId) ?? Number.NaN) - at),
  cpuShare: ((after[i]?.cpu ?? 0) - (before[i]?.cpu ?? 0)) / (REST_MS / 1_000),
  readsPerDay:
    after[i]?.reads === undefined ? undefined : (after[i].reads - (before[i]?.reads ?? 0)) * perDay,
}));
for (const contender of contenders) await contender.stop();
await dynamodb.stop();

publish({
  name: "relay",
  about:
    `From a write until a soketi node drops the app: ${CHANGES} writes, DynamoDB Local. Then ${REST_MS / 1_000} s without a write: share of one CPU, and ` +
    "billed requests of one open shard.",
  tables: [
    {
      columns: ["", "p50", "p99", "longest", "CPU at rest", "requests a day at rest"],
      rows: results.map(({ name, ms, cpuShare, readsPerDay }) => [
        name,
        ...[0.5, 0.99, 1].map((share) => `${figure(quantile(ms, share))} ms`),
        `${(100 * cpuShare).toFixed(1)} %`,
        readsPerDay === undefined ? "not counted" : Math.round(readsPerDay).toLocaleString("en"),
      ]),
    },
  ],
  data: results,
});
process.exit(0);
