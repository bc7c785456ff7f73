import { connect, type PusherConnection } from "../../local/pusher-client.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { startProxy, type TcpProxy } from "../../local/tcp-proxy.ts";
import { versionAttributes } from "../../test/chaos/nodes/apps.ts";
import type { AwsRecord } from "../../test/support/event-source-mapping.ts";
import { eventually, type Fleet, item, startFleet } from "../../test/support/fleet.ts";
import { startProvidedDynamoDb } from "../../test/support/provided-dynamodb.ts";

const APPS = 60;

/** Apps that have a client on each node. */
export const CLIENTS = 20;

/** Three real nodes, of which the third has ways to Redis and DynamoDB that can be closed. */
export interface MonitoredFleet {
  readonly fleet: Fleet;
  readonly appIds: readonly string[];
  readonly nodes: readonly SoketiNode[];
  readonly toRedis: TcpProxy;
  readonly toDynamoDb: TcpProxy;
  killRedis(): Promise<void>;
  /** An empty one, in the place of the former. */
  startRedisAgain(): Promise<void>;
  stop(): Promise<void>;
}

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

export async function startMonitoredFleet(): Promise<MonitoredFleet> {
  const dynamodb = await startProvidedDynamoDb();
  let redis: RedisServer = await startRedis();
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
  return {
    fleet,
    appIds,
    nodes,
    toRedis,
    toDynamoDb,
    async killRedis() {
      redis.child.signal("SIGKILL");
      await redis.child.exited;
    },
    async startRedisAgain() {
      redis = await startRedis({ port: redis.port });
    },
    async stop() {
      await fleet.stop();
      await toRedis.close();
      await toDynamoDb.close();
      await redis.stop();
      await dynamodb.stop();
    },
  };
}

/** When each node has a lease: a client on each node for each of the first apps. */
export async function connectClients({ nodes, appIds }: MonitoredFleet): Promise<PusherConnection[]> {
  for (const node of nodes) await eventually("a lease", async () => (await node.metrics()).lease_held === 1);
  return Promise.all(
    nodes.flatMap(({ port }) => appIds.slice(0, CLIENTS).map((id) => connect({ port, key: `${id}-key` }))),
  );
}
