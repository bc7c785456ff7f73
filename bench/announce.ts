/**
 * `npm run bench:announce`: `apps disable`, as the command tells it, to the last of four real soketi nodes, in turns with a write that
 * nobody announces, which comes by the stream and the function as polled by Lambda, and with a bare PUBLISH to as many subscribers.
 */
import { randomInt } from "node:crypto";
import { loadavg } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { localDynamoDb } from "../local/apps-table.ts";
import { startRedis } from "../local/redis-server.ts";
import { createCanaryItem } from "../src/aws/canary-item.ts";
import { measureChange } from "../src/fleet/measure-change.ts";
import { busNames } from "../src/protocol/names.ts";
import { createFleet } from "../src/redis/fleet.ts";
import { cli, jsonLines } from "../test/support/cli.ts";
import { eventually, item, startFleet } from "../test/support/fleet.ts";
import { startProvidedDynamoDb } from "../test/support/provided-dynamodb.ts";
import { figure, publish, ratio } from "./report.ts";
import { quantile } from "./statistics.ts";

const NODES = 4;
const ROUNDS = 200;
const WARM_UP = 5;
/** A write falls anywhere between two looks of the function at the stream. Milliseconds. */
const POLL_MS = 250;

interface Confirmed {
  readonly nodes?: readonly { readonly confirmedAfterMs: number | null }[];
}

/** Whoever shares the machine shows in the figures. */
const [before = Number.NaN] = loadavg();

const dynamodb = await startProvidedDynamoDb();
const redis = await startRedis();
const fleet = await startFleet({ dynamodbEndpoint: dynamodb.endpoint, redisUrl: redis.url });
const names = busNames(fleet.prefix);
const env = fleet.commandEnv;
const nodes = await Promise.all(Array.from({ length: NODES }, () => fleet.node()));
await fleet.table.put(item("acme"));
for (const node of nodes)
  await eventually("the nodes to follow", async () => (await node.metrics()).lease_held === 1);

const client = new Redis(redis.url);
const written = createCanaryItem(localDynamoDb(dynamodb.endpoint), fleet.table.name, "unannounced");
const channel = "bare";
const subscribers = Array.from({ length: NODES }, () => new Redis(redis.url));
await Promise.all(subscribers.map((one) => one.subscribe(channel)));

/** What the command says itself: from before its write until the last node has confirmed. Milliseconds. */
async function announced(round: number): Promise<number> {
  const result = await cli(["apps", round % 2 === 0 ? "disable" : "enable", "acme", "--json"], { env });
  if (result.status !== 0) throw new Error(`apps ended with ${String(result.status)}: ${result.stderr}`);
  const confirmed = jsonLines<Confirmed>(result).flatMap(({ nodes: each = [] }) => each);
  if (confirmed.length !== NODES) throw new Error(`expected ${NODES} nodes, found ${confirmed.length}`);
  return Math.max(...confirmed.map(({ confirmedAfterMs }) => confirmedAfterMs ?? Number.NaN));
}

async function byTheStream(): Promise<number> {
  const { totalMs } = await measureChange(createFleet(client, names), written, { limitMs: 30_000 });
  return totalMs ?? Number.NaN;
}

async function bare(): Promise<number> {
  const heard = subscribers.map((one) => new Promise((resolve) => one.once("message", resolve)));
  const started = performance.now();
  await Promise.all([client.publish(channel, "x".repeat(150)), ...heard]);
  return performance.now() - started;
}

const found = { announced: [] as number[], stream: [] as number[], bare: [] as number[] };
for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
  await pause(randomInt(POLL_MS));
  const one = { announced: await announced(round), stream: await byTheStream(), bare: await bare() };
  if (round < WARM_UP) continue;
  found.announced.push(one.announced);
  found.stream.push(one.stream);
  found.bare.push(one.bare);
}
client.disconnect();
for (const one of subscribers) one.disconnect();
await fleet.stop();
await redis.stop();
await dynamodb.stop();

const row = (name: string, values: readonly number[]) => [
  name,
  ...[0.5, 0.99, 1].map((share) => `${figure(quantile(values, share))} ms`),
  values.length,
];
publish({
  name: "announce",
  about:
    `From the write to the confirmation of the last of ${NODES} soketi nodes, without the command's own start. The stream is polled each ` +
    `${POLL_MS} ms, as by Lambda; the bare PUBLISH has 150 bytes. DynamoDB Local; load average before: ${figure(before)}.`,
  tables: [
    {
      columns: ["", "p50", "p99", "longest", "of"],
      rows: [
        row("`apps disable` and `apps enable`, announced", found.announced),
        row("the same write, by stream alone", found.stream),
        row("a bare PUBLISH", found.bare),
      ],
    },
  ],
  conclusions: [
    `The stream takes ${figure(ratio(found.stream, found.announced))} times as long as the announcement, which takes ` +
      `${figure(ratio(found.announced, found.bare))} times as long as the bare PUBLISH.`,
  ],
  data: found,
});
process.exit(0);
