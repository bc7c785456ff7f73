import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { localDynamoDb, openAppsTable } from "../../local/apps-table.ts";
import { healthOf } from "../../local/relay.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { relayNames } from "../../src/protocol/names.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { aclLines, applyAcl, urlOf } from "../support/acl.ts";
import { messagesIn } from "../support/log-messages.ts";
import { cli } from "../support/cli.ts";
import { eventually, item, root } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { isNow, type RelayPlace, relayPlace } from "../support/relay.ts";
import { terminate } from "../support/terminate.ts";

const keep = keeping();
const dynamodbEndpoint = inject("dynamodbEndpoint");
const redis = new Redis(inject("redisUrl"));
const dynamodb = localDynamoDb(dynamodbEndpoint);

afterAll(async () => {
  await redis.quit();
  dynamodb.destroy();
});

/** What the log says, in order. */
async function told(place: RelayPlace, connection: Redis | Cluster = redis): Promise<string[]> {
  return (await messagesIn(connection, place.names.log)).flatMap((decoded) => {
    if (decoded.kind === "flush") return [`flush: ${decoded.message.flush}`];
    return decoded.kind === "changes"
      ? decoded.message.changes.map(({ appId, type }) => `${appId} ${type}`)
      : ["?"];
  });
}

const FIRST = "flush: the relay reads this stream for the first time";
const place = () => relayPlace(dynamodbEndpoint, inject("redisUrl"));
const tells = (of: RelayPlace, what: readonly string[]) =>
  eventually(`the log to be ${what.join(", ")}`, async () => (await told(of)).join() === what.join(), 20_000);
const metricsOf = async (url: string) => (await fetch(`${url}/metrics`)).text();

describe("a relay", () => {
  it("publishes what is written, and goes on where it ended", async () => {
    const here = await place();
    await here.table.put(item("a"));
    const relay = keep(await here.start());
    await tells(here, [FIRST, "a created"]);
    await here.table.update("a", { Enabled: { BOOL: false } });
    await tells(here, [FIRST, "a created", "a updated"]);
    await here.table.delete("a");
    await tells(here, [FIRST, "a created", "a updated", "a deleted"]);
    await eventually("it to be well", () => isNow(relay, "active"));
    const env = {
      REDIS_URL: inject("redisUrl"),
      APP_SYNC_PREFIX: `{${here.table.name}}`,
      APP_MANAGER_DYNAMODB_TABLE: here.table.name,
      APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
    };
    expect((await cli(["doctor"], { env })).stdout).toContain(`a relay reads the stream, on`);
    await terminate(relay);
    await here.table.put(item("b"));
    keep(await here.start());
    await tells(here, [FIRST, "a created", "a updated", "a deleted", "b created"]);
  });

  it("shows its numbers, without a secret, and logs lines of JSON", async () => {
    const here = await place();
    const lines: string[] = [];
    const relay = keep(await here.start({ onLine: (line) => lines.push(line) }));
    await here.table.put(item("a", { AppSecret: { S: "hush-hush" }, MaxConnections: { S: "many" } }));
    await tells(here, [FIRST, "a created"]);
    const text = await metricsOf(relay.url);
    for (const line of [
      "soketi_app_sync_pipeline_published_total 1",
      "soketi_app_sync_pipeline_invalid_items_total 1",
      "soketi_app_sync_pipeline_publish_age_seconds_count 1",
      "soketi_app_sync_relay_active 1",
      "soketi_app_sync_relay_healthy 1",
      "soketi_app_sync_relay_shards 1",
    ])
      expect(text.split("\n")).toContain(line);
    expect(text).toMatch(/soketi_app_sync_pipeline_item_problems_total\{code="[a-z-]+"\} 1/);
    expect(text).toMatch(/soketi_app_sync_relay_stream_reads_total\{outcome="empty"\} \d+/);
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toContain("batch done");
    expect(text + lines.join("\n") + JSON.stringify(await healthOf(relay))).not.toContain("hush-hush");
    expect((await fetch(`${relay.url}/other`)).status).toBe(404);
    expect((await fetch(`${relay.url}/health`, { method: "POST" })).status).toBe(405);
  });

  it("finds a stream that was switched off and on: a flush, and what is written from then on", async () => {
    const here = await place();
    const relay = keep(await here.start());
    await here.table.put(item("a"));
    await tells(here, [FIRST, "a created"]);
    const stream = (StreamSpecification: object) =>
      dynamodb.send(
        new UpdateTableCommand({
          TableName: here.table.name,
          StreamSpecification: StreamSpecification as never,
        }),
      );
    await stream({ StreamEnabled: false });
    await stream({ StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" });
    await here.table.put(item("b"));
    await tells(here, [FIRST, "a created", "flush: the table has another stream than before", "b created"]);
    expect(await isNow(relay, "active")).toBe(true);
  });

  it("keeps the shared cache, and sweeps it when it begins", async () => {
    const here = await place();
    const keyPrefix = `${here.table.name}:`;
    await redis.set(`${keyPrefix}app:gone`, JSON.stringify({ id: "gone", key: "k", secret: "s" }));
    await redis.rpush(`${keyPrefix}app:list`, "of another program");
    const env = { SHARED_CACHE: "refresh", DB_REDIS_KEY_PREFIX: keyPrefix };
    const relay = keep(await here.start({ env }));
    await here.table.put(item("a"));
    await eventually("the app to be cached", async () => (await redis.get(`${keyPrefix}app:a-key`)) !== null);
    await eventually("the sweep", async () => (await redis.exists(`${keyPrefix}app:gone`)) === 0);
    await eventually("its numbers", async () =>
      (await metricsOf(relay.url)).includes("soketi_app_sync_pipeline_sweep_removed_total 1"),
    );
    const text = await metricsOf(relay.url);
    expect(text).toContain("soketi_app_sync_pipeline_sweep_foreign_total 1");
    expect(text).toContain("soketi_app_sync_pipeline_sweep_unsettled_total 0");
  });

  it("needs in Redis what docs/reference/redis-users.md gives it, and no more", async () => {
    const server = keep(await startRedis());
    const admin = new Redis(server.url);
    const here = await relayPlace(dynamodbEndpoint, urlOf("relay", server.port));
    await applyAcl(admin, aclLines("users", { prefix: `{${here.table.name}}` }));
    keep(await here.start());
    await here.table.put(item("a"));
    await eventually("the change", async () => (await told(here, admin)).includes("a created"));
    expect(await admin.call("ACL", "LOG")).toEqual([]);
    admin.disconnect();
  });
});

describe("two relays", () => {
  it("one is active and the other waits; it takes over at once when the first is told to end", async () => {
    const here = await place();
    const first = keep(await here.start({ name: "first" }));
    await eventually("the first to be active", () => isNow(first, "active"));
    const second = keep(await here.start({ name: "second" }));
    await eventually("the second to wait", () => isNow(second, "standby"));
    const relay = relayNames(here.names);
    expect(await redis.get(relay.lease)).toMatch(new RegExp(`^1 \\S+ ${first.child.pid} `));
    await terminate(first);
    await eventually("the second to be active", () => isNow(second, "active"), 5_000);
    await here.table.put(item("a"));
    await tells(here, [FIRST, "a created"]);
  });
});

describe("in a Redis that the log has filled", () => {
  it("a relay that starts becomes active, and what was written meanwhile is told", async () => {
    const server = keep(await startRedis());
    const admin = new Redis(server.url);
    keep({ stop: () => admin.quit().then(() => undefined) });
    const here = await relayPlace(dynamodbEndpoint, server.url);
    const first = keep(await here.start({ name: "first" }));
    await here.table.put(item("a"));
    await eventually("the change", async () => (await told(here, admin)).includes("a created"));
    await first.stop();
    const log = createRedisLog(admin, here.names, { logLength: 100_000, logBytes: 2 ** 25 });
    await log.append(Array.from({ length: 64 }, () => ({ whole: "x".repeat(50_000), live: "thin" })));
    await here.table.put(item("b"));
    const used = Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1]);
    await admin.config("SET", "maxmemory", String(used - 100_000));
    const second = keep(await here.start({ name: "second" }));
    await eventually("it to be active", () => isNow(second, "active"));
    await eventually("the change", async () => (await told(here, admin)).includes("b created"));
    expect(await admin.xlen(here.names.log)).toBeLessThan(40);
  });
});

describe("on a Redis Cluster", () => {
  it("lease, positions and log are on one node, and what is written is told", async () => {
    const cluster = keep(await startRedisCluster());
    const here = await place();
    const relay = keep(
      await here.start({ redisUrl: undefined, env: { REDIS_CLUSTER_NODES: cluster.nodes.join(",") } }),
    );
    await here.table.put(item("a"));
    const nodes = cluster.nodes.map((node) => {
      const [host = "", port = ""] = node.split(":");
      return { host, port: Number(port) };
    });
    const connection = new Cluster(nodes);
    await eventually(
      "the change",
      async () => (await told(here, connection)).join() === `${FIRST},a created`,
    );
    expect(await isNow(relay, "active")).toBe(true);
    connection.disconnect();
  });
});

describe("health", () => {
  it("says when Redis is away, and when DynamoDB is; both are waited for, also at the start", async () => {
    const [redisUrl, endpoint] = [new URL(inject("redisUrl")), new URL(dynamodbEndpoint)];
    const proxies = await Promise.all(
      [redisUrl, endpoint].map(({ hostname, port }) => startProxy({ host: hostname, port: Number(port) })),
    );
    const [toRedis, toDynamoDb] = proxies as [(typeof proxies)[0], (typeof proxies)[0]];
    keep({ stop: () => Promise.all(proxies.map((proxy) => proxy.close())).then(() => undefined) });
    toRedis.refuse(true);
    const here = await place();
    const relay = keep(
      await here.start({
        redisUrl: `redis://:hush@127.0.0.1:${toRedis.port}`,
        dynamodbEndpoint: `http://127.0.0.1:${toDynamoDb.port}`,
      }),
    );
    const says = (status: string, reason: RegExp) =>
      eventually(`${status} ${reason}`, async () => {
        const health = await healthOf(relay);
        expect(JSON.stringify(health)).not.toContain("hush");
        return (
          health.status === status &&
          reason.test(health.reason ?? "") &&
          health.code === (reason.source === "" ? 200 : 503)
        );
      });
    await says("unready", /Redis/);
    toRedis.refuse(false);
    toDynamoDb.refuse(true);
    toDynamoDb.disconnect();
    await says("unready", /Could not find the stream/);
    toDynamoDb.refuse(false);
    await eventually("it to be active", () => isNow(relay, "active"));
    toRedis.refuse(true);
    toRedis.disconnect();
    await eventually("it to say so", async () => (await healthOf(relay)).code === 503);
    toRedis.refuse(false);
    await eventually("it to be active again", () => isNow(relay, "active"));
  });
});

describe("what only the operator can change is said in one line, with an exit code of its own", () => {
  let env: Record<string, string>;
  beforeAll(() => {
    env = {
      REDIS_URL: inject("redisUrl"),
      APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
      APP_SYNC_RELAY_PORT: "0",
    };
  });
  const run = async (more: Record<string, string>) => {
    const { status, stderr, stdout } = await cli(["relay"], { env: { ...env, ...more } });
    expect(stdout).toBe("");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    return [status, stderr] as const;
  };
  const tableWith = async (StreamSpecification: object | undefined) => {
    const { name } = await openAppsTable(dynamodbEndpoint, `relay-${randomUUID().slice(0, 8)}`);
    const change = (spec: object) =>
      dynamodb.send(new UpdateTableCommand({ TableName: name, StreamSpecification: spec as never }));
    await change({ StreamEnabled: false });
    if (StreamSpecification) await change(StreamSpecification);
    return name;
  };

  it("no credentials: 4", async () => {
    const none = {
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      HOME: "/nowhere",
      AWS_EC2_METADATA_DISABLED: "true",
    };
    const [status, stderr] = await run({ ...none, APP_MANAGER_DYNAMODB_TABLE: "apps" });
    expect(stderr).toMatch(
      /^soketi-app-sync: Could not find the stream of table apps: found no credentials: set AWS_PROFILE/,
    );
    expect(status).toBe(4);
  });

  it.each([
    ["none", {}],
    ["none", { AWS_REGION: "" }],
    ["something else", { AWS_REGION: "eu central 1" }],
  ])("no region: 1, found %s with %j", async (found, region) => {
    const none = { HOME: "/nowhere", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
    const [status, stderr] = await run({
      ...none,
      ...region,
      APP_MANAGER_DYNAMODB_TABLE: "apps",
      APP_MANAGER_DYNAMODB_ENDPOINT: "",
    });
    expect(stderr).toBe(
      `soketi-app-sync: Could not find the stream of table apps: expected a region such as eu-central-1, found ${found}: ` +
        "set AWS_REGION\n",
    );
    expect(status).toBe(1);
  });

  it("no table, or no stream: 5", async () => {
    const [status, stderr] = await run({ APP_MANAGER_DYNAMODB_TABLE: "nowhere" });
    expect(stderr).toMatch(
      /Could not find the stream of table nowhere: it does not exist: check its name, the region/,
    );
    expect(status).toBe(5);
    const [off, words] = await run({ APP_MANAGER_DYNAMODB_TABLE: await tableWith(undefined) });
    expect(words).toMatch(
      /expected table \S+ to have a stream, found none: turn it on with the view type NEW_AND_OLD/,
    );
    expect(off).toBe(5);
  });

  it("another view type: 6", async () => {
    const name = await tableWith({ StreamEnabled: true, StreamViewType: "KEYS_ONLY" });
    const [status, stderr] = await run({ APP_MANAGER_DYNAMODB_TABLE: name });
    expect(stderr).toMatch(
      /with the view type NEW_AND_OLD_IMAGES, found KEYS_ONLY: turn the stream off and on again/,
    );
    expect(status).toBe(6);
  });

  it("a port that is taken: 1; wrong settings: 1, all of them", async () => {
    const here = await place();
    const relay = keep(await here.start());
    const [status, stderr] = await run({
      APP_MANAGER_DYNAMODB_TABLE: here.table.name,
      APP_SYNC_RELAY_PORT: new URL(relay.url).port,
    });
    expect(stderr).toMatch(
      /expected to listen on 127\.0\.0\.1:\d+, found that it is in use: choose another with APP_SYNC_RELAY_PORT/,
    );
    expect(status).toBe(1);
    const wrong = await cli(["relay"], {
      env: {
        REDIS_URL: "nonsense://:hush@x",
        APP_SYNC_RELAY_POLL_MS: "5",
        APP_SYNC_RELAY_LEASE_MS: "soon",
        SHARED_CACHE: "maybe",
      },
    });
    expect(wrong.status).toBe(1);
    for (const name of ["REDIS_URL", "APP_SYNC_RELAY_POLL_MS", "APP_SYNC_RELAY_LEASE_MS", "SHARED_CACHE"])
      expect(wrong.stderr).toContain(`${name}: expected`);
    expect(wrong.stderr).not.toContain("hush");
  });
});

describe("npm start -- --relay", () => {
  it("shows the same as with the function", async () => {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "local/start.ts", "--once", "--relay", "--port", "0"],
      { cwd: root, env: { ...process.env, REDIS_URL: "", DYNAMODB_ENDPOINT: "" } },
    );
    let printed = "";
    for (const output of [child.stdout, child.stderr])
      output.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect([code, printed]).toEqual([
      0,
      expect.stringMatching(/Relay: +http[^]*the client was closed with 4003[^]*400 drops: p50/),
    ]);
    expect(printed).not.toContain("serverless");
  });
});
