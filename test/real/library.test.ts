import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ioredis } from "../../src/redis/ioredis.ts";
import { openRedis } from "../../src/redis/connection.ts";
import type { RedisConnection } from "../../src/redis/library.ts";
import { createFleet } from "../../src/redis/fleet.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { startRedisSentinel } from "../../local/redis-sentinel.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { type Follower, follow, type FollowOptions, NoLogError } from "../../src/library/index.ts";
import { encodeChanges } from "../../src/protocol/encode.ts";
import { type BusNames, busNames } from "../../src/protocol/names.ts";
import type { RedisSettings } from "../../src/config/redis.ts";
import { eventually, type Fleet, item, root, startFleet } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { startMuteServer } from "../support/mute-server.ts";

let fleet: Fleet;
/** Its own: the connections of all its subscribers are cut. */
let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: server.url });
});

afterAll(async () => {
  await fleet.stop();
  await redis.quit();
  await server.stop();
});

const keep = keeping();

const changeOf = (appId: string) => ({ appId, type: "updated" as const, keys: [], changed: [] });

/** A connection of the test's own. */
const OWN = {
  library: ioredis,
  timeouts: { connectMs: 1_000, commandMs: 1_000, retriesPerCommand: 1 },
  onError: () => undefined,
};

const publish = (connection: RedisConnection, names: BusNames, appId: string) =>
  createRedisLog(connection, names, { logLength: 10_000, logBytes: 2 ** 25 }).append(
    encodeChanges([changeOf(appId)], { table: "apps", at: Date.now() }),
  );

/** Publishes changes one by one, and cuts the subscribers' connections again and again. */
async function publishWhileCut(names: BusNames, appIds: readonly string[]): Promise<void> {
  for (const [i, appId] of appIds.entries()) {
    await publish(redis, names, appId);
    if (i % 50 === 25) await redis.call("CLIENT", "KILL", "TYPE", "pubsub");
  }
}

const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `app-${i}`);

/** Closed after the test, before the servers that it follows. */
function following(options: FollowOptions): Follower {
  const follower = follow({ environment: {}, ...options });
  keep({ stop: () => follower.close() });
  return follower;
}

const hostsOf = (nodes: readonly string[]) =>
  nodes.map((node) => ({ host: "127.0.0.1", port: Number(node.split(":")[1]) }));

describe("follow", () => {
  it("misses no change while its connections are cut, and says so in the registry", async () => {
    const prefix = `{follow:${randomUUID().slice(0, 8)}}`;
    const names = busNames(prefix);
    const seen = new Set<string>();
    const follower = follow({
      redis: server.url,
      prefix,
      onChange: ({ appId }) => seen.add(appId),
      onError: () => undefined,
    });
    await follower.ready;
    expect(follower.fresh).toBe(true);
    const [node] = await createFleet(redis, names).ask();
    expect(node?.entry).toMatchObject({
      pid: process.pid,
      agent: expect.any(String) as string,
      role: "follower",
    });
    expect(node?.entry.soketi).toBeUndefined();
    expect(node?.answer?.state).toBe("following");
    await publishWhileCut(names, idsOf(300));
    await eventually("every change", () => Promise.resolve(seen.size === 300));
    await follower.close();
    expect(await redis.zcard(names.nodes)).toBe(0);
  });

  it("flushes when the log begins anew, and loses its lease while Redis is away", async () => {
    const away = await startRedis();
    const way = await startProxy({ host: "127.0.0.1", port: away.port });
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
    way.disconnect();
    await eventually("its return", () => Promise.resolve(follower.fresh));
    const own = openRedis({
      ...OWN,
      settings: { kind: "standalone", host: "127.0.0.1", port: away.port, db: 0, tls: false },
    });
    await publish(own, busNames("{app-sync:apps}"), "first");
    await eventually("the new log", () => Promise.resolve(flushes.includes("new-epoch")));
    await eventually("its cursor", () => Promise.resolve(/^\d+-1$/.test(follower.cursor)));
    expect(leases.slice(0, 3)).toEqual([true, false, true]);
    own.disconnect();
    await follower.close();
    await way.close();
    await away.stop();
  });

  it("goes on when a listener throws, and tells of it", async () => {
    const errors: unknown[] = [];
    const follower = follow({
      redis: server.url,
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

  it.each<[string, () => Promise<RedisSettings>]>([
    [
      "one Redis",
      async () => {
        const { port } = keep(await startRedis());
        return { kind: "standalone", host: "127.0.0.1", port, db: 3, tls: false };
      },
    ],
    [
      "a cluster",
      async () => {
        const { nodes } = keep(await startRedisCluster());
        return { kind: "cluster", nodes: hostsOf(nodes), tls: false };
      },
    ],
    [
      "sentinels",
      async () => {
        const { sentinels, name } = keep(await startRedisSentinel());
        return { kind: "sentinel", sentinels: hostsOf(sentinels), name, db: 0, tls: false };
      },
    ],
  ])("takes the settings of %s", async (_what, start) => {
    const settings = await start();
    const own = openRedis({ ...OWN, settings });
    keep({
      stop: () => {
        own.disconnect();
        return Promise.resolve();
      },
    });
    const changed: string[] = [];
    const follower = following({
      redis: settings,
      prefix: "{given}",
      onChange: ({ appId }) => changed.push(appId),
      onError: () => undefined,
    });
    await follower.ready;
    await publish(own, busNames("{given}"), "given");
    await eventually("the change", () => Promise.resolve(changed.includes("given")));
  });

  it("tells of a wrong login without the password", async () => {
    const errors: unknown[] = [];
    const follower = following({
      redis: server.url.replace("redis://", "redis://nobody:s3cret@"),
      onError: (error) => errors.push(error),
    });
    await eventually("both connections to fail", () =>
      Promise.resolve(errors.filter((error) => String(error).includes("WRONGPASS")).length >= 2),
    );
    expect(inspect(errors, { depth: Infinity, showHidden: true })).not.toContain("s3cret");
    expect(follower.fresh).toBe(false);
  });

  it("tells nothing more once it is closed: what was under way fails for that reason alone", async () => {
    const mute = await startMuteServer();
    keep({ stop: () => mute.close() });
    const errors: unknown[] = [];
    const follower = following({
      redis: `redis://127.0.0.1:${mute.port}`,
      leaseMs: 600,
      heartbeatMs: 300,
      onError: (error) => errors.push(error),
    });
    // A heartbeat has had no answer; the next one waits for it.
    await eventually("a failure", () => Promise.resolve(errors.length > 0));
    const closing = follower.close();
    const before = errors.length;
    await closing;
    // Longer than what was under way may have waited.
    await pause(500);
    expect(errors.slice(before)).toEqual([]);
  });

  it("closed before the log was reached is never ready, and closed at all is not fresh", async () => {
    const early = following({ redis: "redis://127.0.0.1:1", onError: () => undefined });
    await early.close();
    await expect(early.ready).rejects.toThrow("Could not reach the log: it was closed");
    const follower = following({ redis: server.url, prefix: "{closed}" });
    await follower.ready;
    expect(follower.fresh).toBe(true);
    await Promise.all([follower.close(), follower.close()]);
    expect(follower.fresh).toBe(false);
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
      /redis: [^]*leaseMs: expected a whole number from 300 to 60000, found 1[^]*heartbeatMs/,
    );
    expect(wrong).not.toThrow(/s3cret/);
    expect(() => follow({ environment: {} })).toThrow(
      /redis: expected a URL, or one of the variables APP_SYNC_REDIS_URL/,
    );
  });
});

describe("a REDIS_URL that may be the program's own", () => {
  const errors: unknown[] = [];
  const start = (environment: Record<string, string>, prefix: string) =>
    following({ environment, prefix, heartbeatMs: 500, onError: (error) => errors.push(error) });

  it("proves nothing before the log is in it, which is said; APP_SYNC_REDIS_URL does", async () => {
    const prefix = `{doubtful:${randomUUID().slice(0, 8)}}`;
    const doubtful = start({ REDIS_URL: server.url }, prefix);
    const named = start({ REDIS_URL: "redis://127.0.0.1:1", APP_SYNC_REDIS_URL: server.url }, prefix);
    await named.ready;
    const missed = () => errors.find((error) => error instanceof NoLogError);
    await eventually("the error", () => Promise.resolve(missed() !== undefined));
    expect(missed()).toMatchObject({
      code: "E_NO_LOG",
      message: expect.stringContaining(
        `in Redis 127.0.0.1:${server.port}/0 (REDIS_URL), found none`,
      ) as string,
    });
    expect(doubtful.fresh).toBe(false);
    await publish(redis, busNames(prefix), "first");
    await doubtful.ready;
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
        REDIS_URL: server.url,
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
    const names = busNames(fleet.prefix);
    await publishWhileCut(names, idsOf(200));
    const missed = () => idsOf(200).filter((appId) => !printed.includes(`changed ${appId} updated`));
    await eventually("every change", () => Promise.resolve(missed().length === 0));
    await redis.del(names.log);
    await publish(redis, names, "of-the-new-log");
    await prints("flushed new-epoch");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(printed).toContain("closed");
  });
});
