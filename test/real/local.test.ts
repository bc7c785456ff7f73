import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { type AppsTable, openAppsTable } from "../../local/apps-table.ts";
import { startDynamoDbLocal } from "../../local/dynamodb-local.ts";
import { startOffline } from "../../local/offline.ts";
import { acceptsSecret } from "../../local/probe.ts";
import { connect, RefusedError } from "../../local/pusher-client.ts";
import { startRedis } from "../../local/redis-server.ts";
import { type SoketiNode, startSoketi } from "../../local/soketi-node.ts";
import { busNames, defaultPrefix } from "../../src/protocol/names.ts";
import { keeping } from "../support/keeping.ts";

const dynamodbEndpoint = inject("dynamodbEndpoint");
const keep = keeping();

function tableOfItsOwn(): Promise<AppsTable> {
  return openAppsTable(dynamodbEndpoint, `apps-${randomUUID()}`);
}

const app = (id: string) => ({
  AppId: { S: id },
  AppKey: { S: `${id}-key` },
  AppSecret: { S: `${id}-secret` },
});

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`expected ${what} within 15 s, found that it did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("redis-server", () => {
  it("is a Redis of its own that keeps nothing, and is gone when stopped", async () => {
    const [one, other] = [
      keep(await startRedis()),
      keep(await startRedis({ args: ["--maxmemory", "64mb"] })),
    ];
    const client = new Redis(other.url);

    expect(other.port).not.toBe(one.port);
    expect(await client.config("GET", "maxmemory")).toEqual(["maxmemory", String(64 * 1024 * 1024)]);
    expect(await client.config("GET", "save")).toEqual(["save", ""]);
    client.disconnect();

    await expect(startRedis({ port: one.port })).rejects.toThrow(`Port ${one.port} is busy`);
    await one.stop();
    expect(await one.child.exited).toBe("ended with exit code 0");
  });
});

describe("DynamoDB Local", () => {
  it("takes an apps table with its index and its stream", async () => {
    const own = keep(await startDynamoDbLocal());
    const table = await openAppsTable(own.endpoint, "apps");
    await table.put(app("one"));

    expect(table.streamArn).toContain(":table/apps/stream/");
    expect(await table.get("one")).toEqual(app("one"));
    expect(await openAppsTable(own.endpoint, "apps")).toMatchObject({ streamArn: table.streamArn });
  });
});

describe("soketi", () => {
  let table: AppsTable;
  let nodes: readonly [SoketiNode, SoketiNode];

  beforeAll(async () => {
    table = await tableOfItsOwn();
    await table.put(app("one"));
    const start = () => startSoketi({ dynamodbEndpoint, table: table.name });
    nodes = await Promise.all([start(), start()]);
    return async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    };
  });

  it("serves an app of the table to pusher-js, private channels too", async () => {
    const connection = await connect({ port: nodes[0].port, key: "one-key", secret: () => "one-secret" });

    await connection.subscribe("private-room");

    expect(connection.socketId).toMatch(/^\d+\.\d+$/);
    connection.disconnect();
  });

  it("refuses a wrong secret for a private channel", async () => {
    const connection = await connect({ port: nodes[0].port, key: "one-key", secret: () => "wrong" });

    await expect(connection.subscribe("private-room")).rejects.toThrow(
      "subscription to private-room refused",
    );
    connection.disconnect();
  });

  it("refuses a key that it does not know with 4001", async () => {
    const refusal = connect({ port: nodes[1].port, key: "nobody" });

    await expect(refusal).rejects.toThrow(RefusedError);
    await expect(refusal).rejects.toMatchObject({ code: 4001 });
  });

  it("answers the HTTP API by the app's secret", async () => {
    const backend = { port: nodes[1].port, appId: "one", key: "one-key" };

    expect(await acceptsSecret(backend, "one-secret")).toBe(true);
    expect(await acceptsSecret(backend, "wrong")).toBe(false);
  });

  it("that cannot start is told with the reason", async () => {
    const failure = startSoketi({
      dynamodbEndpoint,
      table: table.name,
      env: { NODE_OPTIONS: "--require /nowhere/agent.cjs" },
    });

    await expect(failure).rejects.toThrow(
      /^soketi ended with exit code 1 before it was ready\..*MODULE_NOT_FOUND/s,
    );
  });
});

describe("serverless offline", () => {
  it("publishes what was written before it started and what is written after", async () => {
    const table = await tableOfItsOwn();
    const redisUrl = inject("redisUrl");
    const { live } = busNames(defaultPrefix(table.name));
    const messages: string[] = [];
    const client = new Redis(redisUrl);
    client.on("message", (_channel, message) => messages.push(message));
    await client.subscribe(live);
    await table.put(app("before"));

    keep(await startOffline({ redisUrl, dynamodbEndpoint, table: table.name }));
    await table.put(app("after"));

    const has = (id: string) => messages.some((message) => message.includes(`"${id}"`));
    await until(() => has("before") && has("after"), "both changes on Redis");
    expect(messages.join()).not.toContain("-secret");
    client.disconnect();
  });
});
