import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, type CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { APP_KEY_INDEX, appsTableDefinition, type Item, localDynamoDb } from "../../local/apps-table.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { startRedisSentinel } from "../../local/redis-sentinel.ts";
import type { SoketiNode, SoketiNodeOptions } from "../../local/soketi-node.ts";
import { agentFile } from "../../local/stack.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { busNames, nodeEntry, relayNames } from "../../src/protocol/names.ts";
import { pause } from "../../src/async/pause.ts";
import { encodeChanges } from "../../src/protocol/encode.ts";
import { createFleet } from "../../src/redis/fleet.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { accepts, eventually, type Fleet, item, root, startFleet } from "../support/fleet.ts";
import { DEPLOYED, type MappingConfiguration, startLambdaApi } from "../support/lambda-api.ts";
import { putAll } from "../support/many-apps.ts";
import { startMuteServer } from "../support/mute-server.ts";

interface Check {
  readonly name: string;
  readonly level: string;
  readonly found: string;
  readonly advice?: string;
}

/** What was planted: what doctor is given besides the healthy fleet's variables, and how it is taken away again. */
interface Planted {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** Ends what a test has started, the last first. */
type Later = (end: () => Promise<unknown>) => void;

let server: RedisServer;
let redis: Redis;
let fleet: Fleet;
let nodes: SoketiNode[];
let folder: string;
let healthy: Record<string, string>;

/** A Redis, and a fleet of one on it, whose settings may be changed for a while. */
let spare: { redis: Redis; port: number; node: SoketiNode; env: Record<string, string> };
const ends: (() => Promise<unknown>)[] = [];

/** Puts a process' clock 90 s ahead. */
const AHEAD = join(root, "test/support/clock-90-seconds-ahead.cjs");

const dynamodbEndpoint = inject("dynamodbEndpoint");

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  fleet = await startFleet({ dynamodbEndpoint, redisUrl: server.url });
  nodes = [await fleet.node(), await fleet.node()];
  folder = await mkdtemp(join(tmpdir(), "app-sync-doctor-"));
  await fleet.table.put(item("a"));
  healthy = fleet.commandEnv;
  await eventually("a message", async () => (await redis.xlen(busNames(fleet.prefix).log)) > 0);
  for (const node of nodes) await hasLease(node);
  const later: Later = (end) => ends.unshift(end);
  const other = await otherRedis(later, "--repl-diskless-sync-delay", "0");
  const own = await ownFleet(later, other.url);
  spare = { redis: new Redis(other.url), port: other.port, node: own.node, env: own.env };
  later(() => spare.redis.quit());
});

afterAll(async () => {
  for (const end of ends) await end();
  await fleet.stop();
  await redis.quit();
  await server.stop();
  await rm(folder, { recursive: true });
});

const hasLease = (node: SoketiNode, held = 1) =>
  eventually("the lease", async () => (await node.metrics()).lease_held === held);

async function doctor({ env, args = [] }: Planted) {
  const result = await cli(["doctor", "--json", ...args], { env: { ...healthy, ...env } });
  expect(result.stderr).toBe("");
  const checks = jsonLines<Check[]>(result)[0] ?? [];
  const complaints = checks.filter(({ level }) => level !== "ok" && level !== "skipped");
  for (const { name, level, advice } of complaints) {
    if (level !== "not checked") expect(advice, name).toMatch(/\w{3,}/);
  }
  return {
    status: result.status,
    complaints: complaints.map((one) => `${one.level} ${one.name}: ${one.found}`),
  };
}

/** A table that is as it should be but for this. */
async function tableWith(
  change: Partial<CreateTableCommandInput>,
  items: readonly Item[] = [],
): Promise<Planted> {
  const name = `doctor-${randomUUID().slice(0, 8)}`;
  await localDynamoDb(dynamodbEndpoint).send(
    new CreateTableCommand({ ...appsTableDefinition(name), ...change }),
  );
  await putAll(dynamodbEndpoint, name, items);
  return { env: { APP_MANAGER_DYNAMODB_TABLE: name }, args: items.length > 0 ? ["--items"] : [] };
}

async function mapped(later: Later, ...mappings: MappingConfiguration[]): Promise<Planted> {
  const api = await startLambdaApi(mappings);
  later(() => api.close());
  return { env: { AWS_ENDPOINT_URL_LAMBDA: api.url, AWS_REGION: "us-east-1" } };
}

/** Another Redis than the healthy fleet's, with a log of its own. */
async function otherRedis(later: Later, ...args: string[]): Promise<RedisServer> {
  const other = await startRedis({ args });
  later(() => other.stop());
  return other;
}

/** A fleet of one, with a log, which may be hurt. */
async function ownFleet(later: Later, redisUrl: string, options: Partial<SoketiNodeOptions> = {}) {
  const prefix = `{doctor:${randomUUID().slice(0, 8)}}`;
  const env = { ...options.env, REDIS_URL: redisUrl, APP_SYNC_PREFIX: prefix, NODE_OPTIONS: "" };
  const own = await fleet.node({
    redisUrl,
    ...options,
    env: { APP_SYNC_PREFIX: prefix, ...options.env },
  });
  later(() => own.stop());
  await hasLease(own);
  const begun = await cli(["invalidate", "a", "--no-wait"], { env: { ...healthy, ...env } });
  expect(begun.status, begun.stderr).toBe(0);
  return { node: own, prefix, env, names: busNames(prefix) };
}

/** The spare Redis with another setting, until the end. */
async function spareWith(later: Later, [name, value, before]: [string, string, string]): Promise<Planted> {
  await spare.redis.config("SET", name, value);
  later(() => spare.redis.config("SET", name, before));
  return { env: spare.env };
}

/** A fleet of one on a Redis with a replica, once the node has seen that: another replication id is another server. */
async function replicated(later: Later): Promise<{ env: Record<string, string>; replica: RedisServer }> {
  const primary = await otherRedis(later, "--repl-diskless-sync-delay", "0");
  const { env, node } = await ownFleet(later, primary.url);
  const replica = await otherRedis(later, "--replicaof", "127.0.0.1", `${primary.port}`);
  await flushed(node, "server-changed");
  await hasLease(node);
  return { env, replica };
}

const flushed = (node: SoketiNode, reason: string) =>
  eventually(
    `a flush (${reason})`,
    async () => ((await node.metrics())[`flushes_total{reason="${reason}"}`] ?? 0) > 0,
  );

/** A fleet of one whose log was there before it: its node has flushed for nothing but its start. */
async function followedLog(later: Later) {
  const { env, names } = ownLog();
  const begun = await cli(["invalidate", "a", "--no-wait"], { env: { ...healthy, ...env } });
  expect(begun.status, begun.stderr).toBe(0);
  const node = await fleet.node({ redisUrl: server.url, env });
  later(() => node.stop());
  await hasLease(node);
  return { env, names, node };
}

/** A fleet of one that finds its Redis by these variables, with a change in its log. */
async function fleetOn(later: Later, redisEnv: Record<string, string>): Promise<Planted> {
  const own = await startFleet({ dynamodbEndpoint, redisEnv });
  later(() => own.stop());
  const env = {
    REDIS_URL: "",
    ...redisEnv,
    APP_SYNC_PREFIX: own.prefix,
    APP_MANAGER_DYNAMODB_TABLE: own.table.name,
  };
  await own.table.put(item("a"));
  // The log is there before the node: it has nothing to flush but at its start.
  const begun = await cli(["invalidate", "a", "--no-wait"], { env: { ...healthy, ...env } });
  expect(begun.status, begun.stderr).toBe(0);
  await hasLease(await own.node());
  return { env, args: ["--items", "--expect", "1", "--strict"] };
}

/** A log of its own on the healthy fleet's Redis, which no node follows. */
function ownLog() {
  const prefix = `{doctor:${randomUUID().slice(0, 8)}}`;
  return { env: { APP_SYNC_PREFIX: prefix }, names: busNames(prefix) };
}

type Plant = (later: Later) => Promise<Planted> | Planted;

const NO_REDIS = ["log", "flushes", "clocks", "nodes", "canary"].map(
  (name) => new RegExp(`^not checked ${name}:`),
);
const NO_TABLE = ["key schema", "index", "stream", "event source mapping", "items"].map(
  (name) => new RegExp(`^not checked ${name}:`),
);

/** A fleet whose only node is silent: what it has to say itself, too. */
const silentNode = (words: RegExp): RegExp[] => [
  /^not checked flushes: .*no node answers/,
  /^not checked clocks: .*no node answers/,
  words,
  /^not checked nodes' redis: no node answers/,
  /^not checked previous secrets: no node answers/,
];

/** The fault, how it is planted, all that doctor must say, and its exit code: 0 where it only warns. */
const FAULTS: readonly (readonly [string, Plant, readonly RegExp[], number])[] = [
  // The table.
  [
    "there is no table",
    () => ({ env: { APP_MANAGER_DYNAMODB_TABLE: "nowhere" } }),
    [/^fail table: there is no table nowhere/],
    2,
  ],
  [
    "the table has another key",
    () =>
      tableWith({
        KeySchema: [
          { AttributeName: "AppId", KeyType: "HASH" },
          { AttributeName: "AppKey", KeyType: "RANGE" },
        ],
      }),
    [/^fail key schema: expected AppId \(S\) alone, found AppId S HASH, AppKey S RANGE/],
    2,
  ],
  [
    "the index is missing",
    () =>
      tableWith({
        GlobalSecondaryIndexes: undefined,
        AttributeDefinitions: [{ AttributeName: "AppId", AttributeType: "S" }],
      }),
    [/^fail index: expected AppKeyIndex, found none/],
    2,
  ],
  [
    "the index has keys only",
    () =>
      tableWith({
        GlobalSecondaryIndexes: [{ ...APP_KEY_INDEX, Projection: { ProjectionType: "KEYS_ONLY" } }],
      }),
    [/^fail projection: expected ALL, found KEYS_ONLY/],
    2,
  ],
  [
    "the stream is off",
    () => tableWith({ StreamSpecification: { StreamEnabled: false } }),
    [/^fail stream: the stream is off/],
    2,
  ],
  [
    "the stream has the wrong view type",
    () => tableWith({ StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" } }),
    [/^fail view type: expected NEW_AND_OLD_IMAGES, found NEW_IMAGE/],
    2,
  ],
  [
    "DynamoDB is down",
    () => ({ env: { APP_MANAGER_DYNAMODB_ENDPOINT: "http://127.0.0.1:1" } }),
    [
      /^fail table: Could not look at table .*: DynamoDB at 127\.0\.0\.1:1 refused the connection/,
      ...NO_TABLE,
    ],
    2,
  ],
  [
    "DynamoDB takes connections and never answers",
    async (later) => {
      const mute = await startMuteServer();
      later(() => mute.close());
      return { env: { APP_MANAGER_DYNAMODB_ENDPOINT: `http://127.0.0.1:${mute.port}` } };
    },
    [/^fail table: Could not look at table .*: DynamoDB at 127\.0\.0\.1:\d+ did not answer/, ...NO_TABLE],
    2,
  ],
  [
    "an item has errors",
    () => tableWith({}, [item("good"), item("bad", { Enabled: { S: "perhaps" } })]),
    [/^fail items: 1 item of 2 with errors: bad/],
    2,
  ],
  [
    "two apps have one key",
    () => tableWith({}, [item("one", { AppKey: { S: "k" } }), item("two", { AppKey: { S: "k" } })]),
    [/^fail keys: 2 apps in conflict/],
    2,
  ],
  [
    "an overlap is over, and still stands in the item",
    () =>
      tableWith({}, [
        item("old", { AppSecretPrevious: { S: "former" }, AppSecretPreviousUntil: { N: "1700000000" } }),
      ]),
    [/^warning items: 1 item of 1 with warnings: old/],
    0,
  ],

  // The function.
  [
    "the mapping is disabled",
    (later) => mapped(later, { ...DEPLOYED, State: "Disabled" }),
    [/^fail event source mapping: stream: it is disabled/],
    2,
  ],
  [
    "the mapping is gone",
    (later) => mapped(later),
    [/^fail event source mapping: no function reads the stream/],
    2,
  ],
  [
    "the mapping is gone, and Redis is down: there may be a relay",
    async (later) => {
      const { env } = await mapped(later);
      return { env: { ...env, REDIS_URL: "redis://127.0.0.1:1" } };
    },
    [
      /^not checked event source mapping: no function reads the stream, and Redis could not be asked/,
      /^fail redis: /,
      ...NO_REDIS,
    ],
    2,
  ],
  [
    "a relay holds the lease, and is held up",
    async (later) => {
      const { lease, positions } = relayNames(busNames(fleet.prefix));
      await redis.set(lease, "7 host-1 42 id");
      await redis.hset(positions, "current-at", Date.now() - 600_000);
      later(() => redis.del(lease, positions));
      return mapped(later);
    },
    [
      /^fail event source mapping: a relay reads the stream, on host-1, pid 42, and last reached its end 10 min ago/,
    ],
    2,
  ],
  [
    "the relay of this prefix reads another table's stream",
    async (later) => {
      const { lease, positions } = relayNames(busNames(fleet.prefix));
      await redis.set(lease, "7 host-1 42 id");
      await redis.hset(positions, "current-at", Date.now(), "stream", "arn:of-another-table");
      later(() => redis.del(lease, positions));
      return mapped(later);
    },
    [
      /^fail event source mapping: the relay of this prefix reads arn:of-another-table, on host-1, pid 42: no relay reads/,
    ],
    2,
  ],
  [
    "the function fails",
    (later) => mapped(later, { ...DEPLOYED, LastProcessingResult: "PROBLEM: Function call failed" }),
    [/^fail event source mapping: stream: PROBLEM: Function call failed/],
    2,
  ],
  [
    "the mapping has a filter and a batch window",
    (later) =>
      mapped(later, {
        ...DEPLOYED,
        FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
        MaximumBatchingWindowInSeconds: 5,
      }),
    [/^warning event source mapping: stream: it has a filter: .*; its batch window is 5 s: /],
    0,
  ],
  [
    "the mapping has a filter that may not be read",
    (later) => mapped(later, { ...DEPLOYED, FilterCriteriaError: { ErrorCode: "AccessDenied" } }),
    [/^warning event source mapping: stream: it has a filter: /],
    0,
  ],

  [
    "Lambda cannot be asked",
    () => ({ env: { AWS_ENDPOINT_URL_LAMBDA: "http://127.0.0.1:1", AWS_REGION: "us-east-1" } }),
    [/^not checked event source mapping: Lambda could not be asked/],
    7,
  ],

  // Redis.
  [
    "Redis is down",
    () => ({ env: { REDIS_URL: "redis://:s3cret@127.0.0.1:1" } }),
    [/^fail redis: Could not .*: Redis at 127\.0\.0\.1:1\/0 refused the connection/, ...NO_REDIS],
    2,
  ],
  [
    "Redis takes connections and never answers",
    async (later) => {
      const mute = await startMuteServer();
      later(() => mute.close());
      return { env: { REDIS_URL: `redis://127.0.0.1:${mute.port}` } };
    },
    [/^fail redis: Could not .*: Redis at 127\.0\.0\.1:\d+\/0 did not answer/, ...NO_REDIS],
    2,
  ],
  [
    "the password is wrong",
    async (later) => {
      const locked = await otherRedis(later, "--requirepass", "right");
      return { env: { REDIS_URL: locked.url.replace("//", "//:s3cret@") } };
    },
    [/^fail redis: .* rejected the user or password/, ...NO_REDIS],
    2,
  ],
  [
    "the operator's user lacks a right",
    async (later) => {
      const name = `doctor-${randomUUID().slice(0, 8)}`;
      await redis.call("ACL", "SETUSER", name, "on", ">s3cret", "~*", "&*", "+@all", "-xrange");
      later(() => redis.call("ACL", "DELUSER", name));
      return { env: { REDIS_URL: server.url.replace("//", `//${name}:s3cret@`) } };
    },
    [/^fail redis: Could not read the log: .*NOPERM|^fail redis: .*no permissions/, ...NO_REDIS],
    2,
  ],
  [
    "Redis may drop the log",
    (later) => spareWith(later, ["maxmemory-policy", "allkeys-lru", "noeviction"]),
    [/^warning redis eviction: maxmemory-policy is allkeys-lru/],
    0,
  ],
  [
    "the same, where warnings count",
    async (later) => ({
      ...(await spareWith(later, ["maxmemory-policy", "allkeys-lru", "noeviction"])),
      args: ["--strict"],
    }),
    [/^warning redis eviction: maxmemory-policy is allkeys-lru/],
    2,
  ],
  [
    "Redis is nearly full",
    async (later) => {
      const used = Number(/^used_memory:(\d+)/m.exec(await spare.redis.info("memory"))?.[1]);
      return spareWith(later, ["maxmemory", String(Math.round(used / 0.95)), "0"]);
    },
    [/^warning redis memory: .* MiB of .* MiB \(maxmemory\) are used/],
    0,
  ],
  [
    "Redis is full",
    async (later) => {
      later(() => hasLease(spare.node));
      const planted = await spareWith(later, ["maxmemory", "1mb", "0"]);
      await hasLease(spare.node, 0);
      return planted;
    },
    [
      /^fail redis memory: .* MiB of 1\.0 MiB \(maxmemory\) are used/,
      ...silentNode(/^fail node .*: it does not answer/),
    ],
    2,
  ],
  [
    "the primary refuses what is written",
    async (later) => {
      later(() => hasLease(spare.node));
      const planted = await spareWith(later, ["min-replicas-to-write", "1", "0"]);
      await hasLease(spare.node, 0);
      return planted;
    },
    silentNode(/^fail node .*: it does not answer/),
    2,
  ],
  [
    "a replica, and no protection from a second primary",
    async (later) => ({ env: (await replicated(later)).env }),
    [
      /^warning one primary: 1 replicas, and no protection from a second primary/,
      /^warning flushes: 1 node flushed \(server-changed\)/,
    ],
    0,
  ],
  [
    "the pipeline is given a replica",
    async (later) => {
      const { env, replica } = await replicated(later);
      return { env: { ...env, REDIS_URL: replica.url } };
    },
    [/^fail redis role: this is a slave/, ...silentNode(/^fail node .*: it does not answer/)],
    2,
  ],
  [
    "nodes follow a primary that was replaced",
    async (later) => {
      const { env, replica } = await replicated(later);
      const promoted = new Redis(replica.url);
      await promoted.replicaof("NO", "ONE");
      await promoted.quit();
      return { env: { ...env, REDIS_URL: replica.url } };
    },
    silentNode(/^fail node .*: it does not answer/),
    2,
  ],
  [
    "two servers call themselves primary",
    async (later) => {
      const sentinel = await startRedisSentinel({ stubborn: true });
      later(() => sentinel.stop());
      await sentinel.replace();
      return {
        env: {
          REDIS_URL: "",
          REDIS_SENTINELS: sentinel.sentinels.join(","),
          REDIS_SENTINEL_NAME: sentinel.name,
        },
      };
    },
    [
      /^fail two primaries: 127\.0\.0\.1:\d+, and 127\.0\.0\.1:\d+/,
      /^fail log: there is no log/,
      /^fail nodes: no node/,
    ],
    2,
  ],

  // The log.
  [
    "the prefix is another than the nodes'",
    () => ({ env: { APP_SYNC_PREFIX: "{elsewhere}" } }),
    [/^fail log: there is no log \{elsewhere\}/, /^fail nodes: no node is registered/],
    2,
  ],
  [
    "the Redis is another than the nodes'",
    async (later) => ({ env: { REDIS_URL: (await otherRedis(later)).url } }),
    [/^fail log: there is no log/, /^fail nodes: no node is registered/],
    2,
  ],
  [
    "the database is another than the nodes'",
    async (later) => {
      const { env } = await ownFleet(later, `${server.url}/1`);
      return { env: { ...env, REDIS_URL: server.url } };
    },
    [
      /^fail log: there is no log/,
      /^warning database: 1 program listens under this prefix, and none is registered in this database/,
      /^fail nodes: no node is registered/,
    ],
    2,
  ],
  [
    "somebody deletes from the log",
    async () => {
      const { env, names } = ownLog();
      for (const id of ["5-1", "5-2", "5-3"]) await redis.xadd(names.log, id, "m", "{}");
      await redis.xdel(names.log, "5-2");
      return { env };
    },
    [/^fail log: .* has holes: 2 messages from 5-1 to 5-3/, /^warning flushes/, /^fail nodes/],
    2,
  ],
  [
    "somebody has deleted the log",
    async (later) => {
      const { env, names, node } = await followedLog(later);
      await redis.del(names.log, names.last);
      await flushed(node, "new-epoch");
      return { env };
    },
    [
      /^fail log: .* is gone: node .* had followed it, and has flushed/,
      /^warning flushes: 1 node flushed \(new-epoch\)/,
    ],
    2,
  ],
  [
    "the log was deleted, and has begun anew",
    async (later) => {
      const { env, names, node } = await followedLog(later);
      await redis.del(names.log, names.last);
      await flushed(node, "new-epoch");
      await cli(["invalidate", "a"], { env: { ...healthy, ...env } });
      return { env };
    },
    [/^warning flushes: 1 node flushed \(new-epoch\)/],
    0,
  ],
  [
    "all was flushed within the last hour",
    async () => {
      const { env } = ownLog();
      const flush = ["flush", "--reason", "table restored", "--no-wait"];
      await cli(flush, { env: { ...healthy, ...env } });
      return { env };
    },
    [
      /^warning flushes: 1 flush in the log within an hour, the last: by \S+@\S+: table restored/,
      /^fail nodes/,
    ],
    2,
  ],

  // The nodes.
  [
    "a soketi runs without the agent",
    async (later) => {
      const bare = await fleet.node({ agent: "" });
      later(() => bare.stop());
      return { args: ["--expect", "3"] };
    },
    [/^fail nodes: expected 3 nodes, found 2 that answer/],
    2,
  ],
  [
    "a node is frozen",
    async (later) => {
      const { node, env } = await ownFleet(later, server.url);
      node.child.signal("SIGSTOP");
      later(async () => {
        node.child.signal("SIGCONT");
        await hasLease(node);
      });
      return { env };
    },
    silentNode(/^fail node .* \d+: it does not answer/),
    2,
  ],
  [
    "a node was killed",
    async (later) => {
      const { node, env, names } = await ownFleet(later, server.url);
      const [entry] = await createFleet(redis, names).registered();
      node.child.signal("SIGKILL");
      await node.stop();
      // As if half a minute had passed.
      await redis.zrem(names.nodes, entry?.id ?? "");
      return { env };
    },
    silentNode(/^fail node .* \d+: it vanished, last seen \d+ s ago/),
    2,
  ],
  [
    "a node has lost its way to Redis",
    async (later) => {
      const way = await startProxy({ host: "127.0.0.1", port: server.port });
      later(() => way.close());
      const { node, env } = await ownFleet(later, `redis://127.0.0.1:${way.port}`);
      way.freeze();
      await hasLease(node, 0);
      return { env: { ...env, REDIS_URL: server.url } };
    },
    silentNode(/^fail node .* \d+: it does not answer/),
    2,
  ],
  [
    "a node's user has lost a right",
    async (later) => {
      const name = `node-${randomUUID().slice(0, 8)}`;
      const rights = (...rules: string[]) => redis.call("ACL", "SETUSER", name, ...rules);
      await rights("on", ">s3cret", "~*", "&*", "+@all");
      later(() => redis.call("ACL", "DELUSER", name));
      const { node, env } = await ownFleet(later, server.url.replace("//", `//${name}:s3cret@`));
      await rights("-zadd");
      await hasLease(node, 0);
      return { env: { ...env, REDIS_URL: server.url } };
    },
    [/^fail node .* \d+: it has no lease and is /],
    2,
  ],
  [
    "a node has an older agent",
    async (later) => {
      const agent = join(folder, "agent.cjs");
      const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
        version: string;
      };
      await writeFile(agent, (await readFile(agentFile, "utf8")).replaceAll(`"${version}"`, '"0.0.9"'));
      const { env } = await ownFleet(later, server.url, { agent });
      return { env };
    },
    [/^warning agent version: expected \S+ on every node, found 0\.0\.9/],
    0,
  ],
  [
    "a node's soketi is one that the agent does not know",
    async () => {
      const { env, names } = ownLog();
      const entry = { host: "new", pid: 7, agent: "0.0.9", soketi: "2.0.0", cursor: "5-1" };
      await redis.zadd(names.nodes, Date.now() + 60_000, "n1");
      await redis.set(nodeEntry(names, "n1"), JSON.stringify(entry), "PX", 60_000);
      return { env };
    },
    [
      /^fail log/,
      ...silentNode(/^fail node new 7/).slice(0, 4),
      /^warning agent version/,
      /^warning soketi version: expected .*, found 2\.0\.0/,
      ...silentNode(/^/).slice(4),
    ],
    2,
  ],
  [
    "a node's clock is ahead",
    async (later) => {
      const options = `--require "${AHEAD}" --require "${agentFile}"`;
      const { env } = await ownFleet(later, server.url, { env: { NODE_OPTIONS: options } });
      return { env };
    },
    [/^warning clocks: that of node .* is (89|90)\.\d s ahead of Redis'/],
    0,
  ],
  [
    "this machine's clock is ahead",
    () => ({ env: { NODE_OPTIONS: `--require "${AHEAD}"` } }),
    [/^warning clocks: this machine's is (89|90)\.\d s ahead of Redis'/],
    0,
  ],
  [
    "somebody still signs with a secret whose overlap is over",
    async (later) => {
      const { node, env } = await ownFleet(later, server.url);
      const overlap = { AppSecretPrevious: { S: "former" }, AppSecretPreviousUntil: { N: "1700000000" } };
      await fleet.table.put(item("late", overlap));
      later(() => fleet.table.delete("late"));
      expect(await accepts(node, "late", "late-secret")).toBe(true);
      expect(await accepts(node, "late", "former")).toBe(false);
      return { env };
    },
    [
      /^warning previous secret of late: its overlap ended at 2023-11-14T22:13:20Z, and 1 use was refused since/,
    ],
    0,
  ],
];

/** Fleets of which doctor has nothing to say. */
const HEALTHY: readonly (readonly [string, Plant])[] = [
  ["at rest, with items, and as many nodes as there must be", () => ({ args: ["--items", "--expect", "2"] })],
  ["whose function works", (later) => mapped(later, DEPLOYED)],
  [
    "in which much has changed",
    async () => {
      const ids = Array.from({ length: 250 }, (_, i) => `app-${i}`);
      const { status } = await cli(["invalidate", ...ids], { env: healthy });
      expect(status).toBe(0);
      return {};
    },
  ],
  [
    "that is being written to, with a log that is trimmed",
    async (later) => {
      const { env, names } = await ownFleet(later, server.url);
      const log = createRedisLog(redis, names, { logLength: 100, logBytes: 2 ** 20 });
      const ended = new AbortController();
      const write = async () => {
        while (!ended.signal.aborted) {
          const change = { appId: "a", type: "updated", keys: [], changed: [] } as const;
          await log.append(encodeChanges([change], { table: fleet.table.name, at: Date.now() }));
          await pause(1);
        }
      };
      const writing = write();
      later(() => {
        ended.abort();
        return writing;
      });
      return { env };
    },
  ],
  [
    "in the middle of a rotation, with publishers that have not changed over",
    async (later) => {
      const { node, env } = await ownFleet(later, server.url);
      const until = String(Math.ceil(Date.now() / 1_000) + 3_600);
      const overlap = { AppSecretPrevious: { S: "former" }, AppSecretPreviousUntil: { N: until } };
      await fleet.table.put(item("rotating", overlap));
      later(() => fleet.table.delete("rotating"));
      expect(await accepts(node, "rotating", "former")).toBe(true);
      return { env, args: ["--items"] };
    },
  ],
  [
    "on Sentinel",
    async (later) => {
      const sentinel = await startRedisSentinel();
      later(() => sentinel.stop());
      const sentinels = { REDIS_SENTINELS: sentinel.sentinels.join(",") };
      return fleetOn(later, { ...sentinels, REDIS_SENTINEL_NAME: sentinel.name });
    },
  ],
  [
    "on a Cluster",
    async (later) => {
      const cluster = await startRedisCluster();
      later(() => cluster.stop());
      return fleetOn(later, { REDIS_CLUSTER_NODES: cluster.nodes.join(",") });
    },
  ],
  [
    "whose node was started again",
    async (later) => {
      const { node, prefix, env } = await ownFleet(later, server.url);
      await node.stop();
      const again = await fleet.node({ env: { APP_SYNC_PREFIX: prefix } });
      later(() => again.stop());
      await hasLease(again);
      return { env };
    },
  ],
];

async function looked(plant: Plant) {
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const found = await doctor(await plant((end) => ends.unshift(end)));
    expect(JSON.stringify(found)).not.toContain("s3cret");
    return found;
  } finally {
    for (const end of ends) await end();
  }
}

describe("doctor finds", () => {
  it.each(FAULTS)("%s", async (_, plant, says, status) => {
    const found = await looked(plant);
    expect(found.complaints).toEqual(says.map((words) => expect.stringMatching(words) as string));
    expect(found.status).toBe(status);
  });
});

describe("doctor says nothing of a fleet", () => {
  it.each(HEALTHY)("%s", async (_, plant) => {
    expect(await looked(plant)).toEqual({ status: 0, complaints: [] });
  });
});
