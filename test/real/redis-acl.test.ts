import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import type { CanaryResult } from "../../src/protocol/canary.ts";
import { type BusNames, busNames } from "../../src/protocol/names.ts";
import type { SweepOutcome } from "../../src/pipeline/ports.ts";
import { CACHE_LEFT, cli, jsonLines } from "../support/cli.ts";
import { aclLines, type AclUser, applyAcl, nameOf, passwordOf, urlOf } from "../support/acl.ts";
import {
  accepts,
  eventually,
  type Fleet,
  item,
  loadHandler,
  outcomeOfConnecting,
  startFleet,
  WITHOUT_VERIFIER,
} from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();
const dynamodbEndpoint = inject("dynamodbEndpoint");

const leaseOf = async (node: SoketiNode) => (await node.metrics()).lease_held === 1;

const flushesOf = (metrics: Record<string, number>) =>
  Object.entries(metrics).filter(([name]) => name.startsWith("flushes_total"));

/** A change is in force on a node by a message, and not by a read that came anyway. */
async function changes(fleet: Fleet, node: SoketiNode, to: string): Promise<void> {
  await fleet.table.update("a", { AppSecret: { S: to } });
  await eventually("the change", () => accepts(node, "a", to));
}

/** A Redis that knows the users of docs/reference/redis-users.md and nobody else, and a fleet whose function is one of them. */
async function startWithUsers() {
  const server = await startRedis();
  const admin = new Redis(server.url);
  const fleet = await startFleet({ dynamodbEndpoint, redisUrl: urlOf("pipeline", server.port) });
  await applyAcl(admin, aclLines("users", fleet));
  // Whoever comes without a login, which nobody should, is refused.
  await admin.call("ACL", "SETUSER", "default", "off");
  return {
    server,
    admin,
    fleet,
    names: busNames(fleet.prefix),
    async stop() {
      admin.disconnect();
      await fleet.stop();
      await server.stop();
    },
  };
}

describe("the users of docs/reference/redis-users.md", () => {
  it("are enough for function, agent and command line: a change, a replay, a lease, an answer", async () => {
    const { server, admin, fleet, names } = keep(await startWithUsers());
    const proxy = keep(await startStoppableProxy(server.port));
    const node = await fleet.node({ env: WITHOUT_VERIFIER, redisUrl: urlOf("agent", proxy.port) });
    // A read that comes late shows a change whose message is still under way.
    const messages = (count: number) =>
      eventually(`message ${count}`, async () => (await node.metrics()).messages_total === count);
    await eventually("the lease", () => leaseOf(node));
    await fleet.table.put(item("a"));
    await messages(1);
    await eventually("the app", () => accepts(node, "a", "a-secret"));
    await changes(fleet, node, "second");
    await messages(2);

    const flushed = flushesOf(await node.metrics());
    proxy.refuse(true);
    proxy.disconnect();
    await fleet.table.update("a", { AppSecret: { S: "third" } });
    await eventually("the record to be handled", () => Promise.resolve(fleet.source.delivered === 3));
    proxy.refuse(false);
    await eventually("the replay", async () => (await node.metrics()).replayed_messages_total === 1);
    await eventually("the change", () => accepts(node, "a", "third"));
    await eventually("the lease", () => leaseOf(node));
    expect(flushesOf(await node.metrics())).toEqual(flushed);

    for (const user of ["viewer", "operator"] as const) {
      const env = {
        REDIS_URL: urlOf(user, server.port),
        APP_SYNC_PREFIX: fleet.prefix,
        APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
        APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
        AWS_REGION: "us-east-1",
      };
      const { status, stdout, stderr } = await cli(["nodes", "--json"], { env });
      expect([status, stderr]).toEqual([0, ""]);
      expect(JSON.parse(stdout)).toMatchObject([{ answers: true, state: "following" }]);
      const tail = await cli(["tail", "--since", "all", "--no-follow", "--json"], { env });
      expect([tail.status, tail.stderr, jsonLines(tail).length]).toEqual([0, "", 3]);
      expect((await cli(["doctor"], { env })).stdout).toMatch(/3 messages/);
      const flush = await cli(["flush"], { env });
      expect([user, flush.status]).toEqual([user, user === "operator" ? 0 : 1]);
      if (user === "viewer") expect(flush.stderr).toMatch(/NOPERM|user executing the script can't/);
    }
    const canary = await loadHandler<(event: unknown, context: unknown) => Promise<CanaryResult>>(
      {
        REDIS_URL: urlOf("pipeline", server.port),
        APP_SYNC_PREFIX: fleet.prefix,
        AWS_REGION: "us-east-1",
        APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
        APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
      },
      "canary",
    );
    const measured = await canary({}, { getRemainingTimeInMillis: () => 30_000 });
    expect(measured).toMatchObject({ expected: 1, confirmed: 1 });
    await node.stop();
    expect(await admin.zcard(names.nodes)).toBe(0);
    // Nobody was refused anything else.
    const refused = (await admin.call("ACL", "LOG")) as string[][];
    const users = new Set(refused.map((entry) => entry[entry.indexOf("username") + 1]));
    expect([...users].filter((user) => user !== nameOf("viewer"))).toEqual([]);
    expect(node.child.output()).not.toMatch(/NOPERM|PASSWORD/);
  });
});

describe("of the users of docs/reference/redis-users.md", () => {
  let started: Awaited<ReturnType<typeof startWithUsers>>;

  // For all of them: what is refused changes nothing.
  beforeAll(async () => {
    started = await startWithUsers();
  });

  afterAll(() => started.stop());

  it.each<[AclUser, ...string[]]>([
    ["pipeline", "FLUSHALL"],
    ["pipeline", "KEYS *"],
    ["pipeline", "SCAN 0"],
    ["pipeline", "CONFIG GET *"],
    ["pipeline", "ACL LIST"],
    ["pipeline", "DEL {log}"],
    ["pipeline", "DEL {last}"],
    ["pipeline", "GET other"],
    ["pipeline", "GET app:acme"],
    ["pipeline", "XADD other * m x"],
    ["pipeline", "PUBLISH other x"],
    ["pipeline", "SUBSCRIBE {live}"],
    ["pipeline", "GET {nodes}:1"],
    ["pipeline", "SET {nodes}:1 x"],
    ["pipeline", "SET {log} x"],
    ["pipeline", "MGET app:acme"],
    ["agent", "XADD {log} * m x"],
    ["agent", "PUBLISH {live} x"],
    ["agent", "PUBLISH {ask} x"],
    ["agent", "SET {log} x"],
    ["agent", "HSET {last} next 1-1"],
    ["agent", "DEL {log}"],
    ["agent", "GET app:acme"],
    ["agent", "SET other x"],
    ["agent", "SUBSCRIBE other"],
    ["agent", "PSUBSCRIBE *"],
    ["agent", "FLUSHALL"],
    ["agent", "KEYS *"],
    ["operator", "FLUSHALL"],
    ["operator", "SET {nodes}:1 x"],
    ["operator", "DEL {log}"],
    ["operator", "SET {canary} x"],
    ["operator", "GET app:acme"],
    ["operator", "PUBLISH other x"],
    ["viewer", "XADD {log} * m x"],
    ["viewer", "HSET {last} next 1-1"],
    ["viewer", "PUBLISH {live} x"],
    ["viewer", "DEL {log}"],
    ["viewer", "SET {nodes}:1 x"],
    ["viewer", "XRANGE other - +"],
    ["viewer", "FLUSHALL"],
  ])("%s may not %s", async (user, command) => {
    const [name = "", ...args] = expand(command).split(" ");
    const redis = as(user);
    await expect(redis.call(name, ...args)).rejects.toThrow(/^NOPERM/);
    if (name === "SUBSCRIBE" || name === "PSUBSCRIBE" || user === "viewer") return;
    // Nor in a script.
    const lua = `return redis.call(${[name, ...args].map((word) => `'${word}'`).join(",")})`;
    await expect(redis.eval(lua, 0)).rejects.toThrow(
      /The user executing the script can't|not allowed from script/,
    );
  });

  const expand = (command: string) =>
    command.replaceAll(
      /\{(log|last|live|ask|nodes|canary)\}/g,
      (_, name: keyof BusNames) => started.names[name],
    );

  function as(user: AclUser): Redis {
    const redis = new Redis({
      port: started.server.port,
      username: nameOf(user),
      password: passwordOf(user),
    });
    redis.on("error", () => undefined);
    keep({
      stop: () => {
        redis.disconnect();
        return Promise.resolve();
      },
    });
    return redis;
  }
});

describe.each(["evict", "refresh"] as const)("with SHARED_CACHE=%s", (mode) => {
  it("the additions are enough for function, sweep and command line", async () => {
    const server = keep(await startRedis());
    const admin = new Redis(server.url);
    keep({ stop: () => admin.quit().then(() => undefined) });
    const keyPrefix = `${randomUUID().slice(0, 8)}:`;
    const cacheEnv = { SHARED_CACHE: mode, DB_REDIS_KEY_PREFIX: keyPrefix };
    const redisUrl = urlOf("pipeline", server.port);
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl, functionEnv: cacheEnv }));
    await applyAcl(admin, aclLines("users", fleet));
    await applyAcl(admin, aclLines("shared cache", { ...fleet, keyPrefix }));
    // soketi's own user is not ours to say: here it is everybody.
    const node = await fleet.node({
      agent: "",
      env: {
        SOKETI_DB_REDIS_HOST: "127.0.0.1",
        SOKETI_DB_REDIS_PORT: String(server.port),
        SOKETI_DB_REDIS_KEY_PREFIX: keyPrefix,
        SOKETI_CACHE_DRIVER: "redis",
        SOKETI_APP_MANAGER_CACHE_ENABLED: "true",
      },
    });
    await fleet.table.put(item("a"));
    await eventually("the record to be handled", () => Promise.resolve(fleet.source.delivered === 1));
    expect(await outcomeOfConnecting(node, "a-key")).toBe("connected");
    await fleet.table.update("a", { Enabled: { BOOL: false } });
    await eventually("the change", async () => (await outcomeOfConnecting(node, "a-key")) === 4003);

    await admin.set(`${keyPrefix}app:gone`, JSON.stringify({ id: "gone", key: "gone", secret: "x" }));
    const env = {
      ...cacheEnv,
      APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
      APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
      AWS_REGION: "us-east-1",
      APP_SYNC_PREFIX: fleet.prefix,
    };
    const sweep = await loadHandler<(event: unknown, context: unknown) => Promise<SweepOutcome>>(
      { ...env, REDIS_URL: redisUrl },
      "sweep",
    );
    expect(await sweep({}, { getRemainingTimeInMillis: () => 60_000 })).toMatchObject({ removed: 1 });
    const operator = { ...env, REDIS_URL: urlOf("operator", server.port) };
    for (const command of [["sweep"], ["get", "a"]]) {
      const { status, stderr } = await cli(command, { env: operator });
      expect([command, status, stderr]).toEqual([command, 0, ""]);
    }
    expect(await admin.call("ACL", "LOG")).toEqual([]);
  });
});

describe("on a Redis Cluster", () => {
  it("a change arrives, and the lease is held; the sweep finds its masters", async () => {
    const cluster = keep(await startRedisCluster());
    const env = (user: AclUser) => ({
      REDIS_CLUSTER_NODES: cluster.nodes.join(","),
      REDIS_USERNAME: nameOf(user),
      REDIS_PASSWORD: passwordOf(user),
    });
    const cacheEnv = { SHARED_CACHE: "refresh" };
    const fleet = keep(
      await startFleet({ dynamodbEndpoint, redisEnv: env("pipeline"), functionEnv: cacheEnv }),
    );
    const admins = cluster.nodes.map((address) => new Redis(Number(address.split(":")[1])));
    for (const admin of admins) {
      for (const part of ["users", "shared cache", "cluster"] as const)
        await applyAcl(admin, aclLines(part, fleet));
    }
    const node = await fleet.node({ env: { ...WITHOUT_VERIFIER, ...env("agent") } });
    await fleet.table.put(item("a"));
    await eventually("the lease", () => leaseOf(node));
    await eventually("the app", () => accepts(node, "a", "a-secret"));
    await changes(fleet, node, "second");
    const tools = {
      ...env("operator"),
      ...cacheEnv,
      APP_SYNC_PREFIX: fleet.prefix,
      APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
      APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
      AWS_REGION: "us-east-1",
    };
    for (const [command, said] of [
      ["sweep", ""],
      ["nodes", ""],
      ["flush", CACHE_LEFT],
    ] as const) {
      const { status, stderr } = await cli([command], { env: tools });
      expect([command, status, stderr]).toEqual([command, 0, said]);
    }
    const viewer = await cli(["nodes"], { env: { ...tools, ...env("viewer") } });
    expect([viewer.status, viewer.stderr]).toEqual([0, ""]);
    for (const admin of admins) {
      expect(await admin.call("ACL", "LOG")).toEqual([]);
      admin.disconnect();
    }
  });
});

async function startStoppableProxy(port: number) {
  const proxy = await startProxy({ host: "127.0.0.1", port });
  return { ...proxy, stop: () => proxy.close() };
}
