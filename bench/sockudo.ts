/**
 * `npm run bench:sockudo`: from a write of a new secret until a node of sockudo takes it and refuses the old one. On soketi's table, by
 * the relay and the shared cache; beside it sockudo alone on a DynamoDB table of its own, with the 300 s that it comes with.
 */
import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { CreateTableCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { localDynamoDb, openAppsTable } from "../local/apps-table.ts";
import { acceptsSecret, probeSecrets } from "../local/probe.ts";
import { startRedis } from "../local/redis-server.ts";
import { startRelay } from "../local/relay.ts";
import { type SockudoNode, startSockudo } from "../local/sockudo-node.ts";
import { documentedConfig } from "../test/sockudo/documented-config.ts";
import { eventually, item } from "../test/support/fleet.ts";
import { startProvidedDynamoDb } from "../test/support/provided-dynamodb.ts";
import { figure, publish } from "./report.ts";
import { quantile } from "./statistics.ts";

const WRITES = 100;
/** Of sockudo alone, all written at once: each takes five minutes. */
const SLOW_WRITES = 10;
/** Between two looks at a node. Milliseconds. */
const POLL_INTERVAL_MS = 10;
const SLOW_POLL_INTERVAL_MS = 250;
/** As a load balancer asks for health. Milliseconds. */
const HEALTH_MS = 10_000;
const OWN_TABLE = "sockudo-applications";

const dynamodb = await startProvidedDynamoDb();

/** Milliseconds until a node takes the new secret, and the old one no longer. */
async function untilInForce(node: SockudoNode, appId: string, lookMs: number, write: () => Promise<void>) {
  const backend = { port: node.port, appId, key: `${appId}-key` };
  await eventually("the app to be held", () => acceptsSecret(backend, `${appId}-secret`));
  // Anywhere in the second that a node holds an app for.
  await pause(randomInt(1_000));
  const at = Date.now();
  await write();
  const probe = probeSecrets(backend, `${appId}-secret`, "new", lookMs);
  await probe.settled;
  return Math.max(probe.seen.newFirst, probe.seen.oldLast) - at;
}

async function onSoketisTable(): Promise<number[]> {
  const redis = await startRedis();
  const table = await openAppsTable(dynamodb.endpoint, "apps");
  const env = { SHARED_CACHE: "refresh", SHARED_CACHE_FORMAT: "sockudo", SOCKUDO_CACHE_PREFIX: "bench" };
  const relay = await startRelay({
    redisUrl: redis.url,
    dynamodbEndpoint: dynamodb.endpoint,
    table: table.name,
    env,
  });
  const node = await startSockudo(documentedConfig(redis.url, "bench"));
  const ms: number[] = [];
  for (let n = 0; n < WRITES; n += 1) {
    const appId = `app-${n}`;
    await table.put(item(appId));
    const rotate = () => table.update(appId, { AppSecret: { S: "new" } });
    ms.push(await untilInForce(node, appId, POLL_INTERVAL_MS, rotate));
  }
  await node.stop();
  await relay.stop();
  await redis.stop();
  return ms;
}

/** @param healthMs how often `/up` is asked for, which has the node read its whole table; undefined: never. */
async function alone(healthMs: number | undefined): Promise<number[]> {
  const name = `${OWN_TABLE}-${healthMs ?? "never"}`;
  const client = localDynamoDb(dynamodb.endpoint);
  const credentials = { aws_access_key_id: "local", aws_secret_access_key: "local" };
  await createOwnTable(client, name);
  const node = await startSockudo({
    app_manager: { driver: "dynamodb" },
    cache: { driver: "memory" },
    queue: { driver: "memory" },
    database: {
      dynamodb: { region: "us-east-1", table_name: name, endpoint_url: dynamodb.endpoint, ...credentials },
    },
    rate_limiter: { enabled: false },
  });
  const put = async (appId: string, secret: string) => {
    const app = {
      id: { S: appId },
      key: { S: `${appId}-key` },
      secret: { S: secret },
      enabled: { BOOL: true },
    };
    await client.send(new PutItemCommand({ TableName: name, Item: app }));
  };
  const stopping = new AbortController();
  const health = healthMs === undefined ? Promise.resolve() : askForHealth(node, healthMs, stopping.signal);
  const ids = Array.from({ length: SLOW_WRITES }, (_, i) => `app-${i}`);
  for (const appId of ids) await put(appId, `${appId}-secret`);
  const ms = await Promise.all(
    ids.map((appId) => untilInForce(node, appId, SLOW_POLL_INTERVAL_MS, () => put(appId, "new"))),
  );
  stopping.abort();
  await health;
  await node.stop();
  client.destroy();
  return ms;
}

/** As sockudo's own app manager has it; the request by which it would make the table itself is refused by DynamoDB. */
async function createOwnTable(client: DynamoDBClient, TableName: string): Promise<void> {
  const hash = (AttributeName: string) => [{ AttributeName, KeyType: "HASH" as const }];
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["id", "key"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: hash("id"),
      GlobalSecondaryIndexes: [
        { IndexName: "KeyIndex", KeySchema: hash("key"), Projection: { ProjectionType: "ALL" } },
      ],
    }),
  );
}

async function askForHealth(node: SockudoNode, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await (await fetch(`${node.url}/up`)).text();
    // Ended by the signal, which is no failure.
    await pause(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

const [withUs, byItself, asked] = await Promise.all([onSoketisTable(), alone(undefined), alone(HEALTH_MS)]);
await dynamodb.stop();

const rows = [
  { name: "soketi's table, `SHARED_CACHE_FORMAT=sockudo`, `ttl` 1", ms: withUs },
  { name: "sockudo's own table, as it comes (`ttl` 300)", ms: byItself },
  { name: `the same, \`/up\` asked for every ${HEALTH_MS / 1_000} s`, ms: asked },
];
publish({
  name: "sockudo",
  about:
    "From the write of a new secret until a node of sockudo 5.2.0 takes it and refuses the old one. Ours: a relay that polls each 250 ms. " +
    "DynamoDB Local. A request for `/up` makes sockudo read its whole table.",
  tables: [
    {
      columns: ["", "writes", "shortest", "p50", "p99", "longest"],
      rows: rows.map(({ name, ms }) => [
        name,
        ms.length,
        ...[0, 0.5, 0.99, 1].map((share) => `${figure(quantile(ms, share) / 1_000)} s`),
      ]),
    },
  ],
  data: rows,
});
process.exit(0);
