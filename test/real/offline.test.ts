import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type AppsTable, openAppsTable } from "../../local/apps-table.ts";
import { type Offline, startOffline } from "../../local/offline.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { type SoketiNode, startSoketi } from "../../local/soketi-node.ts";
import { agentFile } from "../../local/stack.ts";
import { connect } from "../../local/pusher-client.ts";
import { accepts, eventually, item, outcomeOfConnecting } from "../support/fleet.ts";

let redis: RedisServer;
let table: AppsTable;
let offline: Offline;
let node: SoketiNode;

beforeAll(async () => {
  const dynamodbEndpoint = inject("dynamodbEndpoint");
  redis = await startRedis();
  table = await openAppsTable(dynamodbEndpoint, `offline-${randomUUID().slice(0, 8)}`);
  offline = await startOffline({ redisUrl: redis.url, dynamodbEndpoint, table: table.name });
  node = await startSoketi({ dynamodbEndpoint, table: table.name, redisUrl: redis.url, agent: agentFile });
});

afterAll(async () => {
  await node.stop();
  await offline.stop();
  await redis.stop();
});

it("under serverless offline, put, update, key change and delete take effect", async () => {
  await table.put(item("a"));
  await eventually("the app to be there", () => accepts(node, "a", "a-secret"));

  const client = await connect({ port: node.port, key: "a-key" });
  await table.update("a", { AppSecret: { S: "a-secret-2" } });
  await eventually("the new secret", () => accepts(node, "a", "a-secret-2"));
  expect(await accepts(node, "a", "a-secret")).toBe(false);

  await table.update("a", { AppKey: { S: "a-key-2" } });
  expect(await client.error).toBe(4001);
  expect(await outcomeOfConnecting(node, "a-key-2")).toBe("connected");

  await table.update("a", { Enabled: { B: Buffer.from("false") } });
  await eventually("4003", async () => (await outcomeOfConnecting(node, "a-key-2")) === 4003);

  await table.delete("a");
  await eventually("4001", async () => (await outcomeOfConnecting(node, "a-key-2")) === 4001);
});
