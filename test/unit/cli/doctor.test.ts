import { describe, expect, it } from "vitest";
import type { MappingShape } from "../../../src/aws/lambda-mappings.ts";
import type { Check } from "../../../src/cli/doctor/check.ts";
import { exitCodeOf } from "../../../src/cli/doctor/doctor.ts";
import { checkMappings } from "../../../src/cli/doctor/mapping.ts";
import { checkPrimary, type PrimaryShape } from "../../../src/cli/doctor/primary.ts";
import { adviceOn, checkLog, checkRedis } from "../../../src/cli/doctor/redis.ts";

const MAPPING: MappingShape = {
  functionName: "stream",
  state: "Enabled",
  lastResult: "OK",
  startingPosition: "TRIM_HORIZON",
  reportsBatchItemFailures: true,
  hasFailureQueue: true,
  hasFilter: false,
  batchWindowSeconds: 0,
};

const RELAY = { token: "7 host-1 42 id", behindMs: 61_000 };

describe("a relay", () => {
  it("that is held up is no relay that is well, whoever has its lease", () => {
    expect(checkMappings([], { ...RELAY, behindMs: 7 * 60_000 })).toMatchObject([
      {
        level: "fail",
        found: "a relay reads the stream, on host-1, pid 42, and last reached its end 7 min ago",
      },
    ]);
    expect(checkMappings([], { token: RELAY.token })[0]?.level).toBe("ok");
  });

  it("does the work of a function, and is told of beside one that does it too", () => {
    expect(checkMappings([], RELAY)).toEqual([
      {
        name: "event source mapping",
        level: "ok",
        found: "not needed: a relay reads the stream, on host-1, pid 42",
      },
    ]);
    expect(checkMappings([{ ...MAPPING, state: "Disabled" }], RELAY)[0]?.level).toBe("ok");
    const [both] = checkMappings([MAPPING], RELAY);
    expect(both?.level).toBe("warning");
    expect(both?.found).toMatch(/and a relay read the stream: every change is published twice/);
  });
});

it("a relay of another table with the same prefix is none of this table's", () => {
  const relay = { ...RELAY, otherStream: "arn:aws:dynamodb:::table/other/stream/1" };
  const found = (mappings: MappingShape[]) =>
    checkMappings(mappings, relay).map((check) => `${check.level}: ${check.found}`);
  const other =
    "fail: the relay of this prefix reads arn:aws:dynamodb:::table/other/stream/1, on host-1, pid 42: " +
    "no relay reads this table's stream while it does";
  expect(found([])).toEqual([other]);
  expect(found([MAPPING])).toEqual(["ok: stream, enabled, last result: OK", other]);
});

describe("the event source mapping", () => {
  it.each<[string, string, Partial<MappingShape>]>([
    ["as it is deployed", "ok", {}],
    ["before its first batch", "ok", { lastResult: undefined }],
    ["of a table at rest", "ok", { lastResult: "No records processed" }],
    ["switched off", "fail", { state: "Disabled" }],
    ["being switched off", "fail", { state: "Disabling" }],
    ["being made", "warning", { state: "Creating" }],
    ["whose function fails", "fail", { lastResult: "PROBLEM: Function call failed" }],
    ["that counts failures as done", "warning", { reportsBatchItemFailures: false }],
    ["without a failure queue", "warning", { hasFailureQueue: false }],
    ["that begins at the end", "warning", { startingPosition: "LATEST" }],
    ["that lets only some changes through", "warning", { hasFilter: true }],
    ["that waits for fuller batches", "warning", { batchWindowSeconds: 5 }],
  ])("%s: %s", (_, level, change) => {
    const [check] = checkMappings([{ ...MAPPING, ...change }]);
    expect(check?.level).toBe(level);
    expect(check?.advice === undefined).toBe(level === "ok");
  });

  it("missing, is a failure", () => {
    expect(checkMappings([])).toMatchObject([{ level: "fail", found: "no function reads the stream" }]);
  });
});

describe("Redis", () => {
  const shape = {
    version: "7.0.15",
    mode: "standalone",
    role: "master",
    hasIdentity: true,
    replicas: 0,
    evictionPolicy: "noeviction",
    server: "r/p",
  };
  const levels = (change: object, configured: "standalone" | "sentinel" | "cluster" = "standalone") =>
    checkRedis({ ...shape, ...change }, configured)
      .filter(({ level }) => level !== "ok")
      .map(({ name, level }) => `${level} ${name}`);

  it("as it should be", () => {
    expect(levels({})).toEqual([]);
    expect(levels({}, "sentinel")).toEqual([]);
    expect(levels({ evictionPolicy: undefined })).toEqual([]);
    expect(levels({ evictionPolicy: "volatile-lru" })).toEqual([]);
    expect(levels({ mode: "cluster", role: "slave" }, "cluster")).toEqual([]);
  });

  it("too old, of another form, a replica, and one that may drop the log", () => {
    expect(levels({ version: "5.0.14" })).toEqual(["fail redis"]);
    expect(levels({ mode: "cluster" })).toEqual(["fail redis topology"]);
    expect(levels({}, "cluster")).toEqual(["fail redis topology"]);
    expect(levels({ role: "slave" })).toEqual(["fail redis role"]);
    expect(levels({ evictionPolicy: "allkeys-lru" })).toEqual(["warning redis eviction"]);
    expect(levels({ memory: { used: 89, max: 100 } })).toEqual([]);
    expect(levels({ memory: { used: 90, max: 100 } })).toEqual(["warning redis memory"]);
    expect(levels({ memory: { used: 100, max: 100 } })).toEqual(["fail redis memory"]);
  });

  it.each([
    ["WRONGPASS invalid username-password pair", /Wrong user or password/],
    ["NOAUTH Authentication required.", /requires a password/],
    ["NOPERM this user has no permissions", /docs\/reference\/redis-users\.md/],
    ["getaddrinfo ENOTFOUND cache", /is unknown/],
    ["connect ECONNREFUSED 127.0.0.1:1", /Nothing listens/],
    ["connect ETIMEDOUT", /security groups/],
    ["Redis at a:1/0 says: MOVED 866 10.0.0.1:6379", /use REDIS_CLUSTER_NODES instead of REDIS_URL/],
    ["WRONGTYPE Operation against a key", /Something else has one of the log's names/],
    ["something else", /own log/],
  ])("%s: there is advice", (reason, advice) => {
    expect(adviceOn(reason)).toMatch(advice);
  });

  it("a log of two epochs has no holes; one whose ids are none has somebody else's messages", () => {
    const [first, last] = [{ epoch: 1, seq: 5 }, { epoch: 2, seq: 3 }]; // prettier-ignore
    expect(checkLog("log", { first, last, length: 7 }).level).toBe("ok");
    expect(checkLog("log", { first: undefined, last, length: 7 }).level).toBe("fail");
    expect(checkLog("log", { first, last: { epoch: 1, seq: 9 }, length: 4 }).level).toBe("fail");
  });
});

describe("the protection from a second primary", () => {
  const SERVER = {
    version: "7.2.1",
    mode: "standalone",
    role: "master",
    server: "r/p",
    hasIdentity: true,
    replicas: 0,
    evictionPolicy: "noeviction",
  };
  const ALONE: PrimaryShape = {
    configured: "standalone",
    minReplicas: 0,
    verdict: undefined,
    isNamed: true,
    others: [],
    masters: 0,
  };
  const NAMED = { primary: "a:1", epoch: "7", runs: [] };
  const SENTINEL = { configured: "sentinel", verdict: NAMED } as const;
  const CLUSTER = { configured: "cluster", verdict: NAMED } as const;

  it.each<[string, Partial<PrimaryShape>, Partial<typeof SERVER>, string]>([
    ["a single server", {}, {}, "ok one primary: a single server"],
    ["replicas without any", {}, { replicas: 2 }, "warning one primary: 2 replicas, and no protection"],
    ["one replica of two", { minReplicas: 1 }, { replicas: 2 }, "ok one primary: WAIT 1 of 2"],
    ["one of three", { minReplicas: 1 }, { replicas: 3 }, "warning one primary: WAIT 1 of 3"],
    [
      "more than there are",
      { minReplicas: 2 },
      { replicas: 1 },
      "fail one primary: APP_SYNC_MIN_REPLICAS is 2",
    ],
    [
      "sentinels",
      SENTINEL,
      { replicas: 2 },
      "ok one primary: a majority of the sentinels names a:1, epoch 7",
    ],
    ["a cluster of three", { ...CLUSTER, masters: 3 }, {}, "ok one primary: a majority of the 3 masters"],
    ["a cluster of one", { ...CLUSTER, masters: 1 }, {}, "warning one primary: the cluster has 1 masters"],
    ["no majority", { ...SENTINEL, verdict: new Error("no majority") }, {}, "fail one primary: no majority"],
    [
      "another that calls itself one",
      { ...SENTINEL, others: ["b:1"] },
      {},
      "fail two primaries: a:1, and b:1",
    ],
    [
      "the connection's own",
      { ...SENTINEL, isNamed: false },
      {},
      "fail two primaries: a:1, and the one that this",
    ],
    ["a server without identity", {}, { hasIdentity: false }, "fail redis identity: INFO has no run_id"],
  ])("%s", (_, change, server, expected) => {
    const checks = checkPrimary({ ...SERVER, ...server }, { ...ALONE, ...change });
    expect(checks.map(({ level, name, found }) => `${level} ${name}: ${found}`).join("\n")).toContain(
      expected,
    );
    for (const { level, advice } of checks) expect(advice === undefined).toBe(level === "ok");
  });
});

describe("the exit code", () => {
  it.each<[number, number, ...Check["level"][]]>([
    [0, 0, "ok"],
    [0, 0, "ok", "skipped"],
    [0, 2, "ok", "warning"],
    [7, 7, "ok", "not checked"],
    [7, 2, "warning", "not checked"],
    [2, 2, "ok", "fail"],
    [2, 2, "fail", "warning", "not checked"],
  ])("is %i, and %i with --strict, of %s %s %s", (usual, strict, ...levels) => {
    const checks = levels.map((level) => ({ level }));
    expect([exitCodeOf(checks, {}), exitCodeOf(checks, { strict: true })]).toEqual([usual, strict]);
  });
});
