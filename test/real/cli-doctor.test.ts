import { randomUUID } from "node:crypto";
import { CreateTableCommand, type CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { APP_KEY_INDEX, appsTableDefinition, localDynamoDb } from "../../local/apps-table.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { busNames, nodeEntry } from "../../src/protocol/names.ts";
import { createFleet } from "../../src/redis/fleet.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { cli, interruptOnce, jsonLines } from "../support/cli.ts";
import { eventually, type Fleet, item, startFleet } from "../support/fleet.ts";

let server: RedisServer;
let redis: Redis;
let fleet: Fleet;
let first: SoketiNode;
let env: Record<string, string>;

interface Check {
  readonly name: string;
  readonly level: string;
  readonly found: string;
  readonly advice?: string;
}

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: server.url });
  first = await fleet.node();
  await fleet.table.put(item("a"));
  env = fleet.commandEnv;
  await eventually("a message", async () => (await redis.xlen(busNames(fleet.prefix).log)) > 0);
});

afterAll(async () => {
  await fleet.stop();
  await redis.quit();
  await server.stop();
});

async function doctor(
  more: Record<string, string> = {},
): Promise<{ status: number | null; checks: Check[] }> {
  const result = await cli(["doctor", "--json"], { env: { ...env, ...more } });
  expect(result.stderr).toBe("");
  return { status: result.status, checks: jsonLines<Check[]>(result)[0] ?? [] };
}

/** What is not well, with advice for each. */
function complaints(checks: readonly Check[]): string[] {
  const all = checks.filter(({ level }) => level === "warning" || level === "fail");
  for (const { name, advice } of all) expect(advice, name).toMatch(/\w{3,}.*\.?/);
  return all.map(({ name, level }) => `${level} ${name}`);
}

async function tableWith(name: string, change: Partial<CreateTableCommandInput>): Promise<string> {
  await localDynamoDb(inject("dynamodbEndpoint")).send(
    new CreateTableCommand({ ...appsTableDefinition(name), ...change }),
  );
  return name;
}

describe("doctor", () => {
  it("finds nothing wrong where nothing is", async () => {
    const { status, checks } = await doctor();
    expect(complaints(checks)).toEqual([]);
    expect(status).toBe(0);
    expect(checks.map(({ name }) => name)).toEqual([
      "table",
      "key schema",
      "index",
      "projection",
      "stream",
      "view type",
      "event source mapping",
      "items",
      "redis",
      "one primary",
      "log",
      "flushes",
      "clocks",
      "nodes",
      "leases",
      "nodes' redis",
      "agent version",
      "soketi version",
      "previous secrets",
      "canary",
    ]);
    const text = await cli(["doctor"], { env });
    expect(text.stdout).toContain("everything that was checked is healthy");
  });

  it.each<[string, string, Partial<CreateTableCommandInput>]>([
    [
      "wrong key schema",
      "fail key schema",
      {
        KeySchema: [
          { AttributeName: "AppId", KeyType: "HASH" },
          { AttributeName: "AppKey", KeyType: "RANGE" },
        ],
      },
    ],
    [
      "no index",
      "fail index",
      {
        GlobalSecondaryIndexes: undefined,
        AttributeDefinitions: [{ AttributeName: "AppId", AttributeType: "S" }],
      },
    ],
    [
      "wrong projection",
      "fail projection",
      { GlobalSecondaryIndexes: [{ ...APP_KEY_INDEX, Projection: { ProjectionType: "KEYS_ONLY" } }] },
    ],
    ["stream off", "fail stream", { StreamSpecification: { StreamEnabled: false } }],
    [
      "wrong view type",
      "fail view type",
      { StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" } },
    ],
  ])("finds in the table: %s", async (what, complaint, change) => {
    const table = await tableWith(`doctor-${what.replaceAll(" ", "-")}`, change);
    const { status, checks } = await doctor({ APP_MANAGER_DYNAMODB_TABLE: table });
    expect(complaints(checks)).toEqual([complaint]);
    expect(status).toBe(2);
  });

  it("finds that there is no table, and goes on to Redis", async () => {
    const { checks } = await doctor({ APP_MANAGER_DYNAMODB_TABLE: "nowhere" });
    expect(complaints(checks)).toEqual(["fail table"]);
    expect(checks.map(({ name }) => name)).toContain("leases");
  });

  it("finds Redis down, and goes on with the table", async () => {
    const { status, checks } = await doctor({ REDIS_URL: "redis://:s3cret@127.0.0.1:1" });
    expect(complaints(checks)).toEqual(["fail redis"]);
    const [redisCheck] = checks.filter(({ name }) => name === "redis");
    expect(redisCheck?.advice).toContain("Nothing listens there");
    expect(JSON.stringify(checks)).not.toContain("s3cret");
    expect(status).toBe(2);
  });

  it("finds a wrong password, and a missing one", async () => {
    const locked = await startRedis({ args: ["--requirepass", "right"] });
    try {
      const url = (password: string) => locked.url.replace("//", `//${password}`);
      const wrong = await doctor({ REDIS_URL: url(":wr0ng@") });
      expect(wrong.checks.find(({ name }) => name === "redis")?.advice).toContain("Wrong user or password");
      expect(JSON.stringify(wrong.checks)).not.toContain("wr0ng");
      const none = await doctor({ REDIS_URL: url("") });
      expect(none.checks.find(({ name }) => name === "redis")?.advice).toContain("requires a password");
    } finally {
      await locked.stop();
    }
  });

  it("finds that the log is missing, no node is here, and where they are", async () => {
    const { status, checks } = await doctor({ APP_SYNC_PREFIX: "{elsewhere}" });
    expect(complaints(checks)).toEqual(["fail log", "fail nodes"]);
    expect(checks.find(({ name }) => name === "nodes")?.advice).toContain(fleet.prefix);
    expect(status).toBe(2);
  });

  it("finds a log that somebody deletes from", async () => {
    const names = busNames("{holes}");
    for (const id of ["5-1", "5-2", "5-3"]) await redis.xadd(names.log, id, "m", "{}");
    await redis.xdel(names.log, "5-2");
    const { checks } = await doctor({ APP_SYNC_PREFIX: "{holes}" });
    expect(checks.find(({ name }) => name === "log")).toMatchObject({
      level: "fail",
      found: expect.stringContaining("has holes") as string,
    });
  });

  it("finds a node without a lease: one that cannot write, one that does not answer", async () => {
    const way = await startProxy({ host: "127.0.0.1", port: server.port });
    const node = await fleet.node({
      redisUrl: `redis://127.0.0.1:${way.port}`,
      env: { APP_SYNC_DEGRADED_TTL_MS: "2500" },
    });
    await eventually("its lease", async () => (await node.metrics()).lease_held === 1);
    way.freeze();
    await eventually("the loss of its lease", async () => (await node.metrics()).lease_held === 0);
    const { status, checks } = await doctor();
    const [complaint] = complaints(checks);
    expect(complaint).toMatch(/^fail node .* \d+$/);
    expect(checks.find(({ level }) => level === "fail")).toMatchObject({
      found: "it does not answer",
      advice: expect.stringContaining("nothing older than 2.5 s is served") as string,
    });
    expect(status).toBe(2);
    const nodes = await cli(["nodes"], { env });
    expect([nodes.status, nodes.stdout]).toEqual([2, expect.stringContaining("no answer")]);
    await node.stop();
    await way.close();
    // It could not say that it goes. The others are back with their next heartbeat.
    await redis.del(busNames(fleet.prefix).nodes, busNames(fleet.prefix).seen);
    // To the server its connection is as open as theirs.
    await redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    await eventually("the other's lease", async () => (await first.metrics()).lease_held === 1);
  });

  it("finds nodes of another version, and a soketi that the agent does not know", async () => {
    const names = busNames("{versions}");
    const entry = { host: "old", pid: 7, agent: "0.0.9", soketi: "2.0.0", cursor: "5-1", leaseMsLeft: 2_000 };
    await redis.zadd(names.nodes, Date.now() + 60_000, "n1");
    await redis.set(nodeEntry(names, "n1"), JSON.stringify(entry), "PX", 60_000);
    const { checks } = await doctor({ APP_SYNC_PREFIX: "{versions}" });
    expect(complaints(checks)).toEqual(
      expect.arrayContaining(["warning agent version", "warning soketi version", "fail node old 7"]),
    );
  });
});

describe("a node that left without saying so", () => {
  it("is remembered until it is forgotten: doctor, nodes, --expect and changes know of it", async () => {
    const names = busNames(fleet.prefix);
    const node = await fleet.node();
    const { pid } = node.child;
    const isRegistered = async () =>
      (await createFleet(redis, names).registered()).some((one) => one.entry.pid === pid);
    await eventually("its entry", isRegistered);
    node.child.signal("SIGKILL");
    await node.stop();
    // As if half a minute had passed: another node's heartbeat takes it out of those that are there.
    const left =
      (await createFleet(redis, names).registered()).find((one) => one.entry.pid === pid)?.id ?? "";
    await redis.zadd(names.nodes, 1, left);
    await eventually("its departure", async () => (await redis.zscore(names.nodes, left)) === null);

    const seen = expect.stringMatching(/^it vanished, last seen \d+ s ago$/) as string;
    const { status, checks } = await doctor();
    expect(checks.find(({ level }) => level === "fail")).toMatchObject({
      name: expect.stringMatching(new RegExp(`^node .* ${pid}$`)) as string,
      found: seen,
    });
    expect(status).toBe(2);
    await eventually("the metric", async () => (await first.metrics()).nodes_left === 1);
    const nodes = await cli(["nodes", "--expect", "2"], { env });
    expect([nodes.status, nodes.stdout]).toEqual([2, expect.stringMatching(/vanished, last seen \d+ s ago/)]);
    expect(nodes.stderr).toContain("expected 2 nodes, found 1");
    expect(nodes.stderr).toContain("If gone for good: soketi-app-sync nodes --forget");
    expect((await cli(["nodes"], { env })).status).toBe(2);
    expect((await cli(["nodes", "--expect", "1"], { env })).status).toBe(0);
    const got = await cli(["get", "a"], { env });
    expect([got.status, got.stderr]).toEqual([
      7,
      expect.stringMatching(
        new RegExp(
          `^not checked: node \\S+ ${pid}: it vanished, last seen \\d+ s ago. If gone for good: soketi-app-sync nodes --forget$`,
          "m",
        ),
      ),
    ]);
    const flush = await cli(["flush"], { env });
    expect(flush.status, flush.stderr).toBe(3);
    expect(flush.stdout).toMatch(new RegExp(`${pid}: not confirmed: it vanished, last seen \\d+ s ago`));
    expect((await cli(["flush", "--expect", "1"], { env })).status).toBe(0);
    expect((await cli(["flush", "--expect", "2"], { env })).status).toBe(3);

    const forget = await cli(["nodes", "--forget"], { env });
    expect([forget.status, forget.stderr]).toEqual([0, "1 node forgotten\n"]);
    expect((await cli(["flush"], { env })).status).toBe(0);
    expect((await cli(["get", "a"], { env })).status).toBe(0);
    // Those of this test.
    expect(complaints((await doctor()).checks)).toEqual(["warning flushes"]);
  });

  it("is replaced by one with its host and process id: a container that was started again", async () => {
    const names = busNames("{replaced}");
    const entry = JSON.stringify({ host: "pod", pid: 1, agent: "0.1.0", soketi: "1.6.1" });
    await redis.zadd(names.seen, Date.now() - 90_000, "before", Date.now() - 60_000, "after");
    for (const id of ["before", "after"]) await redis.set(nodeEntry(names, id), entry);
    const registered = await createFleet(redis, names).registered();
    expect(registered.map(({ id }) => id)).toEqual(["after"]);
    expect(registered[0]?.silentMs).toBeGreaterThan(59_000);
  });
});

describe("nodes", () => {
  it("shows each agent as it says it is", async () => {
    await eventually(
      "the node to be registered",
      async () => (await redis.zcard(busNames(fleet.prefix).nodes)) === 1,
    );
    const result = await cli(["nodes", "--json"], { env });
    expect(result.status, result.stderr).toBe(0);
    expect(jsonLines(result)[0]).toEqual([
      expect.objectContaining({
        soketi: "1.6.1",
        answers: true,
        state: "following",
        behind: 0,
        leaseMs: 3_000,
        degradedTtlMs: 5_000,
      }),
    ]);
    const text = await cli(["nodes"], { env });
    expect(text.stdout).toMatch(
      /^host +pid +soketi +agent +lease +state +behind +entries +hits +lag +apps in use\n/,
    );
  });

  it("watches until it is ended", async () => {
    let seen = 0;
    const result = await cli(["nodes", "--watch", "100ms", "--json"], {
      env,
      onOutput: (text, kill) => {
        seen += text.split("\n").length - 1;
        if (seen >= 3) kill("SIGTERM");
      },
    });
    expect(jsonLines(result).length).toBeGreaterThanOrEqual(3);
  });
});

// The second finds in the log what the first has written.
describe("tail", { shuffle: false }, () => {
  it("shows the log from before, and what comes, with values and no secret", async () => {
    await fleet.table.put(item("tailed", { MaxConnections: { N: "5" } }));
    const written = { step: 0 };
    const result = await cli(["tail", "--since", "all", "--app", "tailed"], {
      env,
      onOutput: (text, kill) => {
        if (written.step === 0 && text.includes("created")) {
          written.step = 1;
          void fleet.table.update("tailed", { MaxConnections: { N: "6" }, AppSecret: { S: "n3w" } });
        } else if (text.includes("updated")) kill("SIGTERM");
      },
    });
    expect(result.stdout).toMatch(/created {2}tailed {2}age .* maxConnections=5/);
    expect(result.stdout).toMatch(/updated {2}tailed {2}age .*limits\.maxConnections=6 secret\n/);
    expect(result.stdout).not.toMatch(/n3w|tailed-secret|\ba\b/);
  });

  it("ends at the log's end, finds by a pattern, and begins where it is told", async () => {
    const all = await cli(["tail", "--since", "all", "--no-follow", "--json"], { env });
    const lines = jsonLines<{ id: string; appId?: string; type: string }>(all);
    expect(lines.length).toBeGreaterThanOrEqual(3);
    const found = await cli(
      ["tail", "--since", "1h", "--no-follow", "--json", "--grep", "maxConnections.:6"],
      {
        env,
      },
    );
    expect(jsonLines(found).map(({ type }) => type)).toEqual(["updated"]);
    const after = await cli(["tail", "--since", lines[0]?.id ?? "", "--no-follow", "--json"], { env });
    expect(jsonLines(after)).toHaveLength(lines.length - 1);
    const wrong = await cli(["tail", "--since", "yesterday"], { env });
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining("Expected a time such as 10m")]);
  });
});

describe("tail says what it does not show", () => {
  /** A log of its own, whose messages name a time of now. */
  async function logFrom(firstSeq: number, count: number): Promise<Record<string, string>> {
    const prefix = `{tail:${randomUUID().slice(0, 8)}}`;
    const { log } = busNames(prefix);
    const pipeline = redis.pipeline();
    for (let seq = firstSeq; seq < firstSeq + count; seq += 1) {
      pipeline.xadd(log, `5-${seq}`, "m", JSON.stringify({ v: 1, flush: `message\n${seq}`, at: Date.now() }));
    }
    await pipeline.exec();
    return { ...env, APP_SYNC_PREFIX: prefix };
  }
  const tail = (tailEnv: Record<string, string>, since: string) =>
    cli(["tail", "--since", since, "--no-follow", "--json"], { env: tailEnv });

  it("of a log that was trimmed, and ends with 7", async () => {
    const trimmed = await logFrom(8, 3);
    const after = await tail(trimmed, "5-4");
    expect([after.status, after.stderr]).toEqual([
      7,
      "the log goes back to 5-8 only: 3 messages before it are not shown\n",
    ]);
    expect(jsonLines(after)).toHaveLength(3);
    const hour = await tail(trimmed, "1h");
    expect([hour.status, hour.stderr]).toEqual([
      7,
      expect.stringMatching(/^the log goes back to 5-8 only, of /),
    ]);
    // What others have written looks like no other change.
    const { stdout } = await cli(["tail", "--since", "all", "--no-follow"], { env: trimmed });
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.slice(-10)),
    ).toEqual([...["message 8", "message 9", "message 10"].map((text) => text.padStart(10))]);
    for (const since of ["all", "5-7"]) {
      expect(await tail(trimmed, since)).toMatchObject({ status: 0, stderr: "" });
    }
    expect(await tail(trimmed, "5-99")).toMatchObject({
      status: 7,
      stderr: expect.stringMatching(/^the log ends at 5-10, before 5-99: it lost its end/) as string,
    });
  });

  it("when it is interrupted before the log's end: 130", async () => {
    const long = await logFrom(1, 30_000);
    const result = await cli(["tail", "--since", "all", "--no-follow"], {
      env: long,
      onOutput: interruptOnce("message"),
    });
    expect([result.status, result.stderr]).toEqual([
      130,
      "soketi-app-sync: interrupted before the log's end\n",
    ]);
  });
});

it("doctor sees a flush of the last hour however much was written since", async () => {
  const prefix = `{hour:${randomUUID().slice(0, 8)}}`;
  const pipeline = redis.pipeline();
  const change = { appId: "a", type: "updated", keys: [], changed: [] };
  for (let seq = 1; seq <= 2_500; seq += 1) {
    const said = seq === 2 ? { flush: "long before" } : { table: fleet.table.name, changes: [change] };
    pipeline.xadd(
      busNames(prefix).log,
      `5-${seq}`,
      "m",
      JSON.stringify({ v: 1, at: Date.now() - 60_000, ...said }),
    );
  }
  await pipeline.exec();
  const { checks } = await doctor({ APP_SYNC_PREFIX: prefix });
  expect(checks.find(({ name }) => name === "flushes")?.found).toBe(
    "1 flush in the log within an hour, the last: long before",
  );
});
