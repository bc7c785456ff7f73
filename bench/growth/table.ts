import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { Redis } from "ioredis";
import { createAppsTable, localDynamoDb } from "../../local/apps-table.ts";
import { createAppsReader } from "../../src/aws/apps-reader.ts";
import { openRedis } from "../../src/redis/connection.ts";
import { createSoketiAppCache } from "../../src/redis/shared-app-cache.ts";
import { SharedCache } from "../../src/pipeline/shared-cache.ts";
import { sweep } from "../../src/pipeline/sweep.ts";
import { connectionTo } from "../bus/ways.ts";

const BATCH_SIZE = 25;
const WRITERS = 8;

/** What the number of apps in the table costs: a read of one, and a sweep of all. */
export interface TableFigures {
  readonly apps: number;
  /** Median of consistent reads of single apps. Milliseconds. */
  readonly readMs: number;
  /** Of a sweep that finds nothing wrong. Seconds. */
  readonly sweepSeconds: number;
}

export async function measureTable(endpoint: string, redisPort: number, apps: number): Promise<TableFigures> {
  const client = localDynamoDb(endpoint);
  const table = `growth-${apps}`;
  await createAppsTable(client, table);
  await fill();
  const reader = createAppsReader(client, table);
  const readMs: number[] = [];
  for (let i = 0; i < 300; i += 1) {
    const start = performance.now();
    const found = await reader.read([`app-${(i * 7_919) % apps}`]);
    readMs.push(performance.now() - start);
    if (found.size !== 1) throw new Error(`expected one app, found ${found.size}`);
  }
  const redis = openRedis(connectionTo(redisPort));
  const admin = new Redis({ port: redisPort });
  await admin.flushall();
  admin.disconnect();
  const store = createSoketiAppCache(redis, { keyPrefix: "", ttlSeconds: -1 });
  const context = {
    cache: new SharedCache({ mode: "refresh", stores: [store], table: reader }),
    table: reader,
    remainingMs: () => 1e9,
  };
  await sweep(context);
  const start = performance.now();
  const outcome = await sweep(context);
  const sweepSeconds = (performance.now() - start) / 1_000;
  if (outcome.apps !== apps || outcome.repaired !== 0)
    throw new Error(`expected a sweep of ${apps} apps that repairs none, found ${JSON.stringify(outcome)}`);
  redis.disconnect();
  client.destroy();
  readMs.sort((a, b) => a - b);
  return { apps, readMs: readMs[150] ?? Number.NaN, sweepSeconds };

  async function fill(): Promise<void> {
    let next = 0;
    const write = async () => {
      while (next < apps) {
        const from = next;
        next += BATCH_SIZE;
        const ids = Array.from({ length: Math.min(BATCH_SIZE, apps - from) }, (_, i) => `app-${from + i}`);
        const requests = ids.map((id) => ({
          PutRequest: {
            Item: { AppId: { S: id }, AppKey: { S: `${id}-key` }, AppSecret: { S: `${id}-secret` } },
          },
        }));
        await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  }
}
