import { randomUUID } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import { describe, expect, inject, it } from "vitest";
import { connect } from "../../local/pusher-client.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { AppsReader, SweepOutcome } from "../../src/pipeline/ports.ts";
import { SharedCache } from "../../src/pipeline/shared-cache.ts";
import { sweep } from "../../src/pipeline/sweep.ts";
import { createSockudoAppCache, createSoketiAppCache } from "../../src/redis/shared-app-cache.ts";
import {
  eventually,
  type Fleet,
  item,
  loadHandler,
  outcomeOfConnecting,
  startFleet,
} from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();

const NONE: SweepOutcome = { apps: 0, entries: 0, repaired: 0, removed: 0, unsettled: 0, foreign: 0 };

/** A Redis, as the function and as soketi are told of it, and to look into it. */
interface Topology {
  readonly redisEnv: Record<string, string>;
  readonly soketiEnv: Record<string, string>;
  readonly redis: Redis | Cluster;
}

function keepConnection(redis: Redis | Cluster): void {
  keep({
    stop: () => {
      redis.disconnect();
      return Promise.resolve();
    },
  });
}

function standalone(): Promise<Topology> {
  const url = new URL(inject("redisUrl"));
  const redis = new Redis(url.href);
  keepConnection(redis);
  return Promise.resolve({
    redisEnv: { REDIS_URL: url.href },
    soketiEnv: { SOKETI_DB_REDIS_HOST: url.hostname, SOKETI_DB_REDIS_PORT: url.port },
    redis,
  });
}

async function cluster(): Promise<Topology> {
  const { nodes } = keep(await startRedisCluster());
  const hosts = nodes.map((node) => ({ host: node.split(":")[0] ?? "", port: Number(node.split(":")[1]) }));
  const redis = new Cluster(hosts);
  keepConnection(redis);
  return {
    redisEnv: { REDIS_CLUSTER_NODES: nodes.join(",") },
    soketiEnv: {
      SOKETI_CACHE_REDIS_CLUSTER_MODE: "true",
      SOKETI_DB_REDIS_CLUSTER_NODES: JSON.stringify(hosts),
    },
    redis,
  };
}

/** Two nodes as soketi comes, without the agent, on soketi's Redis cache driver with no end to its entries. */
async function startSharing(mode: "evict" | "refresh", topology: Topology, ttlSeconds = "-1") {
  const keyPrefix = `${randomUUID().slice(0, 8)}:`;
  const cacheEnv = { DB_REDIS_KEY_PREFIX: keyPrefix, APP_MANAGER_CACHE_TTL: ttlSeconds, SHARED_CACHE: mode };
  const fleet = keep(
    await startFleet({
      dynamodbEndpoint: inject("dynamodbEndpoint"),
      redisEnv: topology.redisEnv,
      functionEnv: cacheEnv,
    }),
  );
  const env = {
    ...topology.soketiEnv,
    SOKETI_DB_REDIS_KEY_PREFIX: keyPrefix,
    SOKETI_CACHE_DRIVER: "redis",
    SOKETI_USER_AUTHENTICATION_TIMEOUT: "200",
    SOKETI_APP_MANAGER_CACHE_ENABLED: "true",
    SOKETI_APP_MANAGER_CACHE_TTL: ttlSeconds,
  };
  const nodes = await Promise.all([fleet.node({ agent: "", env }), fleet.node({ agent: "", env })]);
  const entry = (name: string) => topology.redis.get(`${keyPrefix}app:${name}`);
  const sweep = async () => {
    const handler = await loadHandler<(event: unknown, context: unknown) => Promise<SweepOutcome>>(
      {
        ...topology.redisEnv,
        ...cacheEnv,
        APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
        APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
        AWS_REGION: "us-east-1",
      },
      "sweep",
    );
    return handler({}, { getRemainingTimeInMillis: () => 60_000 });
  };
  return { fleet, nodes, entry, sweep, redis: topology.redis, keyPrefix };
}

/** Written, and handled by the function: a node that looked meanwhile would put its own reading into the cache. */
async function handled(fleet: Fleet, write: () => Promise<void>): Promise<void> {
  const before = fleet.source.delivered;
  await write();
  await eventually("the record to be handled", () => Promise.resolve(fleet.source.delivered > before));
}

const outcomes = (nodes: SoketiNode[], key: string) =>
  Promise.all(nodes.map((node) => outcomeOfConnecting(node, key)));

async function subscribes(node: SoketiNode, key: string): Promise<void> {
  const connection = await connect({ port: node.port, key });
  await connection.subscribe("news");
  connection.disconnect();
}

/** Nobody signs in: whoever must is cut off, and whoever connected before and need not is still there then. */
async function isNotCutOff(node: SoketiNode, key: string, otherKey: string): Promise<void> {
  const connection = await connect({ port: node.port, key });
  const other = await connect({ port: node.port, key: otherKey });
  expect(await other.error).toBe(4009);
  expect(connection.client.connection.state).toBe("connected");
  await connection.subscribe("news");
  connection.disconnect();
  other.disconnect();
}

describe("entries that end", () => {
  it("live as long as soketi's own, and a sweep gives right ones their whole time again", async () => {
    const topology = await standalone();
    const { fleet, sweep, redis, keyPrefix } = await startSharing("refresh", topology, "600");
    await handled(fleet, () => fleet.table.put(item("a")));
    for (const name of ["a", "a-key"]) {
      const key = `${keyPrefix}app:${name}`;
      expect(await redis.ttl(key)).toBeGreaterThan(590);
      await redis.expire(key, 100);
    }
    expect(await sweep()).toMatchObject({ repaired: 0 });
    for (const name of ["a", "a-key"])
      expect(await redis.ttl(`${keyPrefix}app:${name}`)).toBeGreaterThan(590);
  });
});

describe.each([
  ["a standalone Redis", standalone],
  ["a Redis Cluster", cluster],
])("nodes without the agent, their cache in %s", (_, open) => {
  it("refresh: follow every change, and none of soketi's traps is left", async () => {
    const { fleet, nodes, entry } = await startSharing("refresh", await open());
    const put = (id: string, attributes = {}) => handled(fleet, () => fleet.table.put(item(id, attributes)));

    await put("b-false", { Enabled: { B: Buffer.from("false") } });
    await put("s-false", { Enabled: { S: "false" } });
    expect(await outcomes(nodes, "b-false-key")).toEqual([4003, 4003]);
    expect(await outcomes(nodes, "s-false-key")).toEqual([4003, 4003]);

    await put("open", { EnableUserAuthentication: { B: Buffer.from("false") } });
    await put("signed-in", { EnableUserAuthentication: { BOOL: true } });
    await put("minus-one", {
      MaxChannelNameLength: { N: "-1" },
      MaxEventChannelsAtOnce: { N: "-1" },
      MaxEventNameLength: { N: "-1" },
      MaxEventPayloadInKb: { N: "-1" },
      MaxEventBatchSize: { N: "-1" },
      MaxPresenceMembersPerChannel: { N: "-1" },
      MaxPresenceMemberSizeInKb: { N: "-1" },
    });
    await put("webhook", {
      Webhooks: {
        S: JSON.stringify([
          { url: "https://hooks.example.com" },
          { lambda_function: "f", event_types: ["client_event"] },
        ]),
      },
    });
    await put("null-type", {
      Webhooks: { S: JSON.stringify([{ url: "https://hooks.example.com", event_types: [null] }]) },
    });
    await put("native", {
      Webhooks: {
        L: [{ M: { url: { S: "https://hooks.example.com" }, event_types: { L: [{ S: "client_event" }] } } }],
      },
    });
    for (const node of nodes) {
      for (const id of ["minus-one", "webhook", "null-type", "native"]) await subscribes(node, `${id}-key`);
      await isNotCutOff(node, "open-key", "signed-in-key");
    }
    expect(JSON.parse((await entry("webhook-key")) ?? "")).toMatchObject({
      webhooks: [{ lambda_function: "f", lambda: {} }],
    });

    // The other key is free at once, also where nodes have looked for it before: soketi caches that as well.
    expect(await outcomes(nodes, "webhook-key-2")).toEqual([4001, 4001]);
    await handled(fleet, () => fleet.table.update("webhook", { AppKey: { S: "webhook-key-2" } }));
    expect(await outcomes(nodes, "webhook-key-2")).toEqual(["connected", "connected"]);
    expect(await outcomes(nodes, "webhook-key")).toEqual([4001, 4001]);
    await handled(fleet, () => fleet.table.delete("webhook"));
    expect(await outcomes(nodes, "webhook-key-2")).toEqual([4001, 4001]);
  });

  it("evict: follow every change", async () => {
    const { fleet, nodes, entry } = await startSharing("evict", await open());
    await handled(fleet, () => fleet.table.put(item("a")));
    expect(await outcomes(nodes, "a-key")).toEqual(["connected", "connected"]);
    await eventually("the entry", async () => (await entry("a-key")) !== null);

    await handled(fleet, () => fleet.table.update("a", { Enabled: { BOOL: false } }));
    expect(await entry("a-key")).toBeNull();
    expect(await outcomes(nodes, "a-key")).toEqual([4003, 4003]);
    await handled(fleet, () =>
      fleet.table.update("a", { AppKey: { S: "a-key-2" }, Enabled: { BOOL: true } }),
    );
    expect(await outcomes(nodes, "a-key")).toEqual([4001, 4001]);
    expect(await outcomes(nodes, "a-key-2")).toEqual(["connected", "connected"]);
    await handled(fleet, () => fleet.table.delete("a"));
    expect(await outcomes(nodes, "a-key-2")).toEqual([4001, 4001]);
  });

  it("refresh: a sweep repairs what nodes put there by themselves, and what was never written", async () => {
    const { fleet, nodes, entry, sweep, redis, keyPrefix } = await startSharing("refresh", await open());
    const trap = { Webhooks: { S: JSON.stringify([{ url: "https://hooks.example.com" }]) } };
    await handled(fleet, () => fleet.table.put(item("a", trap)));
    await handled(fleet, () => fleet.table.put(item("b")));
    expect(await sweep()).toEqual({ ...NONE, apps: 2, entries: 4 });

    // What a late read of a node leaves: soketi's own misreading, here that there is no such app.
    for (const name of ["a", "a-key"]) await redis.unlink(`${keyPrefix}app:${name}`);
    expect(await outcomes(nodes, "a-key")).toEqual([4001, 4001]);
    // And an app that is gone, and an old key.
    const gone = { id: "gone", key: "gone-key", secret: "s", enabled: true };
    await redis.set(`${keyPrefix}app:gone-key`, JSON.stringify(gone));
    await redis.set(`${keyPrefix}app:b-old-key`, (await entry("b")) ?? "");
    // Not an app: the last event of a cache channel.
    const channel = `${keyPrefix}app:b:channel:cache-news:cache_miss`;
    await redis.set(channel, "{}");

    expect(await sweep()).toEqual({ ...NONE, apps: 2, entries: 6, repaired: 1, removed: 2 });
    expect(await outcomes(nodes, "a-key")).toEqual(["connected", "connected"]);
    expect(await outcomes(nodes, "b-old-key")).toEqual([4001, 4001]);
    expect(await redis.get(channel)).toBe("{}");
    expect(await sweep()).toMatchObject({ repaired: 0, removed: 0 });
  });

  it("evict: a sweep leaves what soketi reads in its own way", async () => {
    const { fleet, nodes, entry, sweep } = await startSharing("evict", await open());
    const traps = {
      bytes: { Enabled: { B: Buffer.from("false") } },
      words: { Enabled: { S: "false" }, MaxConnections: { S: "7x" }, MaxEventBatchSize: { N: "-1" } },
      names: {
        enabled: { BOOL: true },
        max_connections: { N: "3" },
        MaxReadRequestsPerSecond: { S: "many" },
      },
      hooks: { Webhooks: { S: JSON.stringify([{ url: "ftp://x", event_types: [null], more: 1 }]) } },
    };
    for (const [id, attributes] of Object.entries(traps)) {
      await handled(fleet, () => fleet.table.put(item(id, attributes)));
      await outcomes(nodes, `${id}-key`);
      await eventually("the entry", async () => (await entry(`${id}-key`)) !== null);
    }
    expect(await sweep()).toEqual({ ...NONE, entries: 4 });
  });

  it("evict: a sweep removes what differs from the table", async () => {
    const { fleet, nodes, entry, sweep, redis, keyPrefix } = await startSharing("evict", await open());
    await handled(fleet, () => fleet.table.put(item("a", { Enabled: { BOOL: false } })));
    await handled(fleet, () => fleet.table.put(item("b")));
    expect(await outcomes(nodes, "b-key")).toEqual(["connected", "connected"]);
    await eventually("the entry", async () => (await entry("b-key")) !== null);
    // What a late read of a node leaves: the app as it was.
    const { enabled: _now, ...before } = JSON.parse((await entry("b-key")) ?? "") as Record<string, unknown>;
    const stale = { ...before, id: "a", key: "a-key", secret: "a-secret", enabled: true };
    await redis.set(`${keyPrefix}app:a-key`, JSON.stringify(stale));
    expect(await outcomes(nodes, "a-key")).toEqual(["connected", "connected"]);

    expect(await sweep()).toMatchObject({ removed: 1 });
    expect(await outcomes(nodes, "a-key")).toEqual([4003, 4003]);
    expect(await outcomes(nodes, "b-key")).toEqual(["connected", "connected"]);
    await eventually("the entry again", async () => (await entry("a-key")) !== null);
    expect(await sweep()).toMatchObject({ removed: 0 });
  });
});

it("a sweep can stop among other programs' keys, however many there are", async () => {
  const server = keep(await startRedis());
  const redis = new Redis(server.url);
  keepConnection(redis);
  const others = Array.from({ length: 5_000 }, (_, i) => [`other:${i}`, "x"]).flat();
  await redis.mset(...others);
  let looks = 0;
  const cache = new SharedCache({
    mode: "evict",
    stores: [createSoketiAppCache(redis, { keyPrefix: "", ttlSeconds: -1 })],
  });
  const table: AppsReader = {
    read: () => Promise.resolve(new Map()),
    readItems: () => Promise.resolve(new Map()),
    pages: () => {
      throw new Error("evict goes by the entries");
    },
  };
  const remainingMs = () => ((looks += 1) > 2 ? 0 : 60_000);
  await expect(sweep({ cache, table, remainingMs })).rejects.toThrow("found no time left after 0 entries");
  expect(looks).toBe(3);
});

it("sockudo: what it keeps for an app that is named id or key is no entry", async () => {
  const redis = new Redis(inject("redisUrl"));
  keepConnection(redis);
  const prefix = `sweep-${randomUUID()}`;
  const [entries, others] = [
    ["id:a", "key:a-key", "id:id", "key:key"],
    [
      "id:channel:cache-news:cache_miss",
      "key:idempotency:1",
      "id:batch-idempotency:1",
      "a:channel:x:cache_miss",
    ],
  ];
  await redis.mset(
    Object.fromEntries([...entries, ...others].map((name) => [`${prefix}:app:${name}`, "{}"])),
  );
  const found: string[] = [];
  for await (const names of createSockudoAppCache(redis, { prefix }).names()) found.push(...names);
  expect([...new Set(found)].sort()).toEqual([...entries].sort());
});
