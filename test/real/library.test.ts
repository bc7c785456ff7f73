import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { localDynamoDb } from "../../src/adapters/dynamodb.ts";
import { ioredis } from "../../src/adapters/ioredis.ts";
import { openRedis, type RedisConnection } from "../../src/adapters/redis.ts";
import { createFleet } from "../../src/adapters/redis-fleet.ts";
import { createRedisLog } from "../../src/adapters/redis-log.ts";
import { startRedis } from "../../src/local/redis-server.ts";
import { startProxy } from "../../src/local/tcp-proxy.ts";
import { follow, openApps } from "../../src/library/index.ts";
import { encodeChanges } from "../../src/protocol/message.ts";
import { busNames } from "../../src/protocol/names.ts";
import { eventually, type Fleet, item, root, startFleet } from "../support/fleet.ts";

let fleet: Fleet;
let redis: Redis;

beforeAll(async () => {
  redis = new Redis(inject("redisUrl"));
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
});

afterAll(async () => {
  await fleet.stop();
  await redis.quit();
});

const changeOf = (appId: string) => ({ appId, type: "updated" as const, keys: [], changed: [] });

describe("follow", () => {
  it("misses no change while its connections are cut, and says so in the registry", async () => {
    const prefix = `{follow:${randomUUID().slice(0, 8)}}`;
    const names = busNames(prefix);
    const log = createRedisLog(redis as RedisConnection, names, 10_000);
    const seen = new Set<string>();
    const follower = follow({
      redis: inject("redisUrl"),
      prefix,
      onChange: ({ appId }) => seen.add(appId),
      onError: () => undefined,
    });
    await follower.ready;
    expect(follower.fresh).toBe(true);
    const [node] = await createFleet(redis, names).ask();
    expect(node?.entry).toMatchObject({ pid: process.pid, agent: expect.any(String) as string });
    expect(node?.entry.soketi).toBeUndefined();
    expect(node?.answer?.state).toBe("following");
    for (let i = 0; i < 300; i += 1) {
      await log.append(encodeChanges([changeOf(`app-${i}`)], { table: "apps", at: Date.now() }));
      if (i % 50 === 25) await redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    }
    await eventually("every change", () => Promise.resolve(seen.size === 300));
    await follower.close();
    expect(await redis.zcard(names.nodes)).toBe(0);
  });

  it("flushes when the log begins anew, and loses its lease while Redis is away", async () => {
    const server = await startRedis();
    const way = await startProxy({ host: "127.0.0.1", port: server.port });
    const flushes: string[] = [];
    const leases: boolean[] = [];
    const follower = follow({
      redis: `redis://127.0.0.1:${way.port}`,
      leaseMs: 600,
      heartbeatMs: 100,
      onFlush: (reason) => flushes.push(reason),
      onLease: (held) => leases.push(held),
      onError: () => undefined,
    });
    await follower.ready;
    expect(flushes).toEqual(["first-sync"]);
    way.freeze();
    await eventually("the loss of the lease", () => Promise.resolve(!follower.fresh));
    way.thaw();
    way.cut();
    await eventually("its return", () => Promise.resolve(follower.fresh));
    const own = openRedis(
      ioredis,
      { kind: "standalone", host: "127.0.0.1", port: server.port, db: 0, tls: false },
      { connectMs: 1_000, commandMs: 1_000, retriesPerCommand: 1 },
    );
    await createRedisLog(own, busNames("{app-sync:apps}"), 100).append(
      encodeChanges([changeOf("first")], { table: "apps", at: Date.now() }),
    );
    await eventually("the new log", () => Promise.resolve(flushes.includes("new-epoch")));
    await eventually("its cursor", () => Promise.resolve(/^\d+-1$/.test(follower.cursor)));
    expect(leases.slice(0, 3)).toEqual([true, false, true]);
    own.disconnect();
    await follower.close();
    await way.close();
    await server.stop();
  });

  it("goes on when a listener throws, and tells of it", async () => {
    const errors: unknown[] = [];
    const follower = follow({
      redis: inject("redisUrl"),
      prefix: `{throws:${randomUUID().slice(0, 8)}}`,
      onFlush: () => {
        throw new Error("mine");
      },
      onError: (error) => errors.push(error),
    });
    await follower.ready;
    expect(errors).toEqual([new Error("mine")]);
    expect(follower.fresh).toBe(true);
    await follower.close();
  });

  it("names every mistake at once, and no password", () => {
    const wrong = () =>
      follow({
        redis: "http://:s3cret@x",
        leaseMs: 1,
        heartbeatMs: 5,
        environment: {},
        onError: () => undefined,
      });
    expect(wrong).toThrow(
      /REDIS_URL[^]*leaseMs: expected milliseconds from 300 to 60000, found 1[^]*heartbeatMs/,
    );
    expect(wrong).not.toThrow(/s3cret/);
    expect(() => follow({ environment: {} })).toThrow(
      /redis: expected a URL, or one of the REDIS_\* variables/,
    );
  });
});

describe("openApps", () => {
  const open = (more: object = {}) =>
    openApps({
      redis: inject("redisUrl"),
      prefix: fleet.prefix,
      table: fleet.table.name,
      dynamodb: localDynamoDb(inject("dynamodbEndpoint")),
      ...more,
    });

  it("serves apps from its cache until they change, by id and by key", async () => {
    await fleet.table.put(item("lib", { MaxConnections: { N: "5" } }));
    const changes: string[] = [];
    const apps = open({ onChange: ({ appId }: { appId: string }) => changes.push(appId) });
    await apps.ready;
    expect((await apps.byId("lib"))?.limits.maxConnections).toBe(5);
    expect(await apps.byKey("lib-key")).toBe(await apps.byId("lib"));
    expect(await apps.byId("nobody")).toBeNull();
    expect(await apps.byKey("nobody-key")).toBeNull();
    await fleet.table.update("lib", { MaxConnections: { N: "6" }, AppKey: { S: "lib-key-2" } });
    await eventually("the change", () => Promise.resolve(changes.includes("lib")));
    await eventually("the new limit", async () => (await apps.byId("lib"))?.limits.maxConnections === 6);
    expect(await apps.byKey("lib-key")).toBeNull();
    expect((await apps.byKey("lib-key-2"))?.id).toBe("lib");
    await apps.close();
  });

  it("rejects when the table cannot be read, where soketi could only say that there is no app", async () => {
    const errors: unknown[] = [];
    const apps = open({
      dynamodb: localDynamoDb("http://127.0.0.1:1"),
      onError: (error: unknown) => errors.push(error),
    });
    await apps.ready;
    await expect(apps.byId("lib")).rejects.toThrow(/expected to read table .*, found that it cannot be read/);
    await expect(apps.byKey("lib-key")).rejects.toThrow(/cannot be read/);
    expect(errors.length).toBeGreaterThan(0);
    await apps.close();
  });
});

describe("docs/examples/follow.mjs", () => {
  it("runs as it is written", async () => {
    await fleet.table.put(item("example", { MaxConnections: { N: "1" } }));
    const child = spawn(process.execPath, [join(root, "docs/examples/follow.mjs"), "example"], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        REDIS_URL: inject("redisUrl"),
        APP_SYNC_PREFIX: fleet.prefix,
        APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
        APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
      },
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const prints = (text: string) => eventually(text, () => Promise.resolve(printed.includes(text)));
    await prints("app example maxConnections=1");
    await fleet.table.update("example", { MaxConnections: { N: "2" } });
    await prints("changed example updated limits.maxConnections");
    await prints("app example maxConnections=2");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(printed).toContain("closed");
  });
});
