import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { probeSecrets } from "../../local/probe.ts";
import { connect } from "../../local/pusher-client.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { startProxy, type TcpProxy } from "../../local/tcp-proxy.ts";
import { busNames } from "../../src/protocol/names.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting, startFleet } from "../support/fleet.ts";

/** Bounds of the design, in milliseconds, and what a read and a probe may add to them on a busy machine. */
const LEASE = 3_000;
const DEGRADED = 5_000;
const READ = 1_000;
/** Between two looks at which secret a node takes: what was seen may have lasted that much longer. */
const PROBE_MS = 40;

/** The verifier would repair much of what is shown here before the bound is reached. */
const WITHOUT_VERIFIER = { APP_SYNC_VERIFY_EVERY_MS: "0", APP_SYNC_LOAD_BUDGET_MS: "2000" };

let redis: RedisServer;
let toRedis: TcpProxy;
let toDynamoDb: TcpProxy;
let fleet: Fleet;
/** `node` reaches Redis and DynamoDB through the proxies; `other` and the function reach them directly. */
let node: SoketiNode;
let other: SoketiNode;
/** The metrics of `node` at the beginning of the test. */
let before: Record<string, number>;

beforeEach(async () => {
  const dynamodbEndpoint = inject("dynamodbEndpoint");
  redis = await startRedis();
  toRedis = await startProxy({ host: "127.0.0.1", port: redis.port });
  toDynamoDb = await startProxy({ host: "127.0.0.1", port: Number(new URL(dynamodbEndpoint).port) });
  fleet = await startFleet({ dynamodbEndpoint, redisUrl: redis.url });
  [node, other] = await Promise.all([
    fleet.node({
      redisUrl: `redis://127.0.0.1:${toRedis.port}`,
      dynamodbEndpoint: `http://127.0.0.1:${toDynamoDb.port}`,
      env: WITHOUT_VERIFIER,
    }),
    fleet.node({ env: WITHOUT_VERIFIER }),
  ]);
  await fleet.table.put(item("a"));
  await eventually("both nodes to follow", async () => {
    const metrics = await Promise.all([node.metrics(), other.metrics()]);
    return metrics.every(({ lease_held, cursor }) => lease_held === 1 && cursor === 1);
  });
  for (const one of [node, other]) expect(await accepts(one, "a", "a-secret")).toBe(true);
  before = await node.metrics();
});

afterEach(async () => {
  await fleet.stop();
  await toRedis.close();
  await toDynamoDb.close();
  await redis.stop();
});

/**
 * Rotates the secret while the nodes are asked all the time, and waits until none accepts the old one.
 *
 * @returns the longest time after the write that a node accepted the old secret.
 */
async function rotate(
  fault: string,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const probes = [node, other].map(({ port }) =>
    probeSecrets({ port, appId: "a", key: "a-key" }, "a-secret", "a-secret-2", PROBE_MS),
  );
  await fleet.table.update("a", { AppSecret: { S: "a-secret-2" } });
  const written = Date.now();
  await meanwhile();
  await Promise.all(probes.map(({ settled }) => settled));
  const longest = PROBE_MS + Math.max(0, ...probes.map(({ seen }) => seen.oldLast - written));
  console.log(`${fault}: an old app was served for ${longest} ms at the longest`);
  return longest;
}

const published = (count: number) =>
  eventually("the function to publish", () => Promise.resolve(fleet.source.delivered >= count));
const isSubscriber = (sent: string) => /subscribe/i.test(sent);
/** Reasons of flushes since the beginning of the test. */
function flushes(metrics: Record<string, number>): string[] {
  const names = Object.keys(metrics).filter((name) => name.startsWith("flushes_total"));
  const more = names.filter((name) => (metrics[name] ?? 0) > (before[name] ?? 0));
  return more.map((name) => /reason="([^"]+)"/.exec(name)?.[1] ?? name);
}

/** Which app a key leads to shows in whose secret signs its private channels. */
async function subscribesWith(one: SoketiNode, key: string, secret: string): Promise<boolean> {
  if ((await outcomeOfConnecting(one, key)) !== "connected") return false;
  const client = await connect({ port: one.port, key, secret: () => secret });
  try {
    await client.subscribe("private-whose");
    return true;
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

describe("a lost message", () => {
  it("while the subscriber's connection is cut is replayed, without a flush", async () => {
    const longest = await rotate("subscriber cut", async () => {
      toRedis.refuse(true);
      toRedis.disconnect(isSubscriber);
      await published(2);
      toRedis.refuse(false);
    });
    expect(longest).toBeLessThan(LEASE + READ);
    // A node whose lease ran out meanwhile has read the table before it is subscribed again.
    await eventually("the replay", async () => {
      const { replays_total = 0 } = await node.metrics();
      return replays_total > (before.replays_total ?? 0);
    });
    expect(flushes(await node.metrics())).toEqual([]);
  });

  it("that was the last one is noticed by the heartbeat, without another message", async () => {
    // A message of changes on the channel: docs/reference/protocol.md.
    toRedis.lose((chunk) => chunk.includes(`${fleet.prefix}:v1:live`) && /\d-\d+ \[1,\d+,\[/.test(chunk));
    const longest = await rotate("last message lost");
    expect(longest).toBeLessThan(LEASE);
    const metrics = await node.metrics();
    expect(metrics.replays_total).toBe((before.replays_total ?? 0) + 1);
    expect(metrics.replayed_messages_total).toBe((before.replayed_messages_total ?? 0) + 1);
    expect(flushes(metrics)).toEqual([]);
  });

  it("that the log has lost as well costs a flush", async () => {
    const client = new Redis(redis.url);
    const longest = await rotate("log trimmed past the cursor", async () => {
      toRedis.refuse(true);
      toRedis.disconnect();
      await published(2);
      await client.xtrim(busNames(fleet.prefix).log, "MAXLEN", 0);
      toRedis.refuse(false);
    });
    await client.quit();
    expect(longest).toBeLessThan(DEGRADED + READ);
    expect(flushes(await node.metrics())).toEqual(["log-trimmed"]);
  });
});

describe("Redis", () => {
  it("killed and restarted empty: nodes flush, and the retried change arrives", async () => {
    redis.child.signal("SIGKILL");
    await redis.child.exited;
    const longest = await rotate("Redis killed, restarted empty", async () => {
      await eventually("the loss of the lease", async () => (await node.metrics()).lease_held === 0);
      redis = await startRedis({ port: redis.port });
    });
    expect(longest).toBeLessThan(DEGRADED + READ);
    await eventually("the lease to be back", async () => (await node.metrics()).lease_held === 1);
    expect(flushes(await node.metrics())).toContain("server-changed");
  });

  it("frozen: what is served is read from the table, and everything comes back by itself", async () => {
    redis.child.signal("SIGSTOP");
    const longest = await rotate("Redis frozen");
    expect(longest).toBeLessThan(DEGRADED + READ);
    expect((await node.metrics()).lease_held).toBe(0);
    redis.child.signal("SIGCONT");
    await eventually("the lease to be back", async () => (await node.metrics()).lease_held === 1);
    const lines = node.child.output().match(/lease (held|lost)/g);
    expect(lines).toEqual(["lease held", "lease lost", "lease held"]);
    await fleet.table.update("a", { AppSecret: { S: "a-secret-3" } });
    for (const one of [node, other])
      await eventually("the next change", () => accepts(one, "a", "a-secret-3"));
  });

  it("behind a route that went silent: dead sockets are replaced", async () => {
    toRedis.freeze();
    const longest = await rotate("route to Redis silent");
    expect(longest).toBeLessThan(DEGRADED + READ);
    toRedis.thaw();
    await eventually("the lease to be back", async () => (await node.metrics()).lease_held === 1);
    expect(flushes(await node.metrics())).toEqual([]);
  });
});

describe("DynamoDB away", () => {
  it("with a lease held: cached apps are served", async () => {
    // By id it is cached. Its key is known only if the node heard of the app by a message, not by a flush.
    expect(await outcomeOfConnecting(node, "a-key")).toBe("connected");
    toDynamoDb.refuse(true);
    toDynamoDb.disconnect();
    expect(await accepts(node, "a", "a-secret")).toBe(true);
    expect(await outcomeOfConnecting(node, "a-key")).toBe("connected");
  });

  it("and the lease lost as well: an unverified app is served", async () => {
    toRedis.refuse(true);
    toRedis.disconnect();
    await eventually("the loss of the lease", async () => (await node.metrics()).lease_held === 0);
    toDynamoDb.refuse(true);
    toDynamoDb.disconnect();
    await eventually("an unverified app", async () => {
      expect(await accepts(node, "a", "a-secret")).toBe(true);
      return ((await node.metrics()).stale_served_total ?? 0) > 0;
    });
  });

  it("after an invalidation: the old app is never served again, and the new one once it can be read", async () => {
    toDynamoDb.refuse(true);
    toDynamoDb.disconnect();
    await fleet.table.update("a", { AppSecret: { S: "a-secret-2" } });
    await eventually("the drop", async () => (await node.metrics()).cursor === 2);
    expect(await accepts(node, "a", "a-secret")).toBe(false);
    toDynamoDb.refuse(false);
    await eventually("the new secret", () => accepts(node, "a", "a-secret-2"));
  });
});

describe("a client whose app cannot be read", () => {
  it("is told to come back, and does; one whose app does not exist stays away", async () => {
    await fleet.table.put(item("b"));
    await eventually("the change", async () => (await node.metrics()).cursor === 2);
    toDynamoDb.refuse(true);
    toDynamoDb.disconnect();
    const codes: number[] = [];
    const client = connect({
      port: node.port,
      key: "b-key",
      onRefused: (code) => {
        codes.push(code);
        toDynamoDb.refuse(false);
      },
    });
    (await client).disconnect();
    expect(new Set(codes)).toEqual(new Set([4100]));
    expect(await outcomeOfConnecting(node, "nobody")).toBe(4001);
    expect(node.child.output()).not.toContain("uncaughtException");
  });
});

describe("a client that leaves while its app is looked up", () => {
  it("does not end the node, which soketi by itself would", async () => {
    toDynamoDb.freeze();
    const gone = connect({ port: node.port, key: "nobody", limitMs: 300 });
    await expect(gone).rejects.toThrow("expected a client of nobody to connect");
    await eventually(
      "the lookup to be given up",
      async () => ((await node.metrics()).load_errors_total ?? 0) > (before.load_errors_total ?? 0),
    );
    toDynamoDb.thaw();
    toDynamoDb.disconnect();
    await eventually("the app to be read", () => accepts(node, "a", "a-secret"));
    expect(node.child.output()).toContain("could not be read from the table");
    expect(node.child.output()).not.toContain("uncaughtException");
  });
});

describe("identities", () => {
  it("a key that moves from one app to another is found there", async () => {
    await fleet.table.put(item("b"));
    await eventually("app b", async () => (await outcomeOfConnecting(node, "b-key")) === "connected");
    await fleet.table.update("a", { AppKey: { S: "a-key-2" } });
    await fleet.table.update("b", { AppKey: { S: "a-key" } });
    for (const one of [node, other]) {
      await eventually("a-key to be app b's", () => subscribesWith(one, "a-key", "b-secret"));
      expect(await subscribesWith(one, "a-key", "a-secret")).toBe(false);
      await eventually(
        "clients of a-key to connect",
        async () => (await outcomeOfConnecting(one, "a-key")) === "connected",
      );
      expect(await outcomeOfConnecting(one, "a-key-2")).toBe("connected");
      await eventually("b-key to be gone", async () => (await outcomeOfConnecting(one, "b-key")) === 4001);
    }
  });

  it("an app deleted and created again with the same key is the new one", async () => {
    await fleet.table.delete("a");
    await fleet.table.put({ ...item("a2"), AppKey: { S: "a-key" } });
    for (const one of [node, other]) {
      await eventually(
        "a-key to connect",
        async () => (await outcomeOfConnecting(one, "a-key")) === "connected",
      );
      await eventually("app a to be gone", () => accepts(one, "a", "a-secret").then((is) => !is));
    }
  });

  it("a rotated secret works at once on connections that are open, and the old one does not", async () => {
    let secret = "a-secret";
    const clients = await Promise.all(
      [node, other].map(({ port }) => connect({ port, key: "a-key", secret: () => secret })),
    );
    for (const client of clients) await client.subscribe("private-before");
    await fleet.table.update("a", { AppSecret: { S: "a-secret-2" } });
    for (const one of [node, other]) {
      await eventually(
        "the refresh",
        async () => ((await one.metrics()).connections_refreshed_total ?? 0) >= 1,
      );
    }
    for (const client of clients) {
      await expect(client.subscribe("private-old-secret")).rejects.toThrow(/401/);
    }
    secret = "a-secret-2";
    for (const client of clients) {
      await client.subscribe("private-new-secret");
      client.disconnect();
    }
  });
});
