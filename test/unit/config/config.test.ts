import { describe, expect, it } from "vitest";
import { isAgentRequired, readAgentConfig } from "../../../src/config/agent.ts";
import { GUARDS } from "../../../src/config/guards.ts";
import { readPipelineConfig } from "../../../src/config/pipeline.ts";
import { mistakesOf } from "./mistakes.ts";

describe("the pipeline's configuration", () => {
  it("has the documented defaults", () => {
    expect(readPipelineConfig({ REDIS_URL: "redis://a" })).toMatchObject({
      table: "apps",
      names: { log: "{app-sync:apps}:v1:log" },
      logLength: 10_000,
      minReplicas: 0,
      logBytes: 33_554_432,
    });
  });

  it("takes how many replicas must have a message, but not of a cluster, whose masters are asked", () => {
    const two = { APP_SYNC_MIN_REPLICAS: "2" };
    expect(readPipelineConfig({ REDIS_URL: "redis://a", ...two }).minReplicas).toBe(2);
    expect(readAgentConfig(two, "apps").minReplicas).toBe(2);
    const cluster = { REDIS_CLUSTER_NODES: "a:1", ...two };
    for (const read of [() => readPipelineConfig(cluster), () => readAgentConfig(cluster, "apps")])
      expect(mistakesOf(read)).toEqual([
        "APP_SYNC_MIN_REPLICAS: expected 0 on a cluster, whose masters are asked instead, found 2.",
      ]);
  });

  it("takes the table under soketi's own name, with or without its prefix", () => {
    const redis = { REDIS_URL: "redis://a" };
    expect(readPipelineConfig({ ...redis, APP_MANAGER_DYNAMODB_TABLE: "t1" }).table).toBe("t1");
    expect(readPipelineConfig({ ...redis, SOKETI_APP_MANAGER_DYNAMODB_TABLE: "t2" }).table).toBe("t2");
  });

  it("line breaks at the end of a variable are of the file that it was read from", () => {
    const env = {
      REDIS_CLUSTER_NODES: "a:1\n",
      REDIS_USERNAME: "sync\n",
      REDIS_PASSWORD: " p\r\n",
      REDIS_TLS: "on\n",
      APP_SYNC_PREFIX: "{x}\n",
      APP_SYNC_LOG_LENGTH: "500\n",
      APP_MANAGER_DYNAMODB_TABLE: "\n",
      SOKETI_APP_MANAGER_DYNAMODB_TABLE: "t2\n\n",
      SHARED_CACHE: "off\n",
    };
    expect(readPipelineConfig(env)).toMatchObject({
      redis: { username: "sync", password: " p", tls: true, nodes: [{ host: "a", port: 1 }] },
      names: { log: "{x}:v1:log" },
      table: "t2",
      logLength: 500,
    });
  });

  it("names with which the function would write to a log that no node follows are refused", () => {
    for (const table of [
      " apps",
      "apps ",
      "a b",
      "ta/ble",
      "arn:aws:dynamodb:eu-west-1:1:table/apps",
      "äpps",
    ]) {
      const read = () =>
        readPipelineConfig({ REDIS_URL: "redis://a", SOKETI_APP_MANAGER_DYNAMODB_TABLE: table });
      expect(mistakesOf(read)).toEqual([
        expect.stringMatching(
          /^SOKETI_APP_MANAGER_DYNAMODB_TABLE: expected a table's name, .* found something/,
        ),
      ]);
    }
    for (const prefix of [" {x}", "{x} ", "\t{x}"]) {
      for (const read of [
        () => readPipelineConfig({ REDIS_URL: "redis://a", APP_SYNC_PREFIX: prefix }),
        () => readAgentConfig({ APP_SYNC_PREFIX: prefix }, "apps"),
      ])
        expect(mistakesOf(read)).toEqual([
          "APP_SYNC_PREFIX: expected names without white space around them, found some.",
        ]);
    }
  });

  it("leaves soketi's own cache alone, or knows it by soketi's own variables", () => {
    const redis = { REDIS_URL: "redis://a" };
    expect(readPipelineConfig(redis).sharedCache).toBeUndefined();
    expect(readPipelineConfig({ ...redis, SHARED_CACHE: "off" }).sharedCache).toBeUndefined();
    expect(readPipelineConfig({ ...redis, SHARED_CACHE: "Refresh" }).sharedCache).toEqual({
      mode: "refresh",
      soketi: { keyPrefix: "", ttlSeconds: -1 },
    });
    const soketi = { SOKETI_DB_REDIS_KEY_PREFIX: "p:", SOKETI_APP_MANAGER_CACHE_TTL: "60" };
    expect(readPipelineConfig({ ...redis, ...soketi, SHARED_CACHE: "evict" }).sharedCache).toEqual({
      mode: "evict",
      soketi: { keyPrefix: "p:", ttlSeconds: 60 },
    });
    expect(
      mistakesOf(() => readPipelineConfig({ ...redis, SHARED_CACHE: "on", APP_MANAGER_CACHE_TTL: "1h" })),
    ).toEqual([
      'SHARED_CACHE: expected off, evict, refresh, found "on".',
      expect.stringMatching(/^APP_MANAGER_CACHE_TTL: expected a whole number/),
    ]);
  });

  it.each([
    "localhost:8000",
    "127.0.0.1:8000",
    "tcp://localhost:8000",
    "http://",
    "http:///x",
    "http://localhost:99999",
  ])("refuses %s as an endpoint of DynamoDB, which the SDK would read as something else", (endpoint) => {
    const names = ["APP_MANAGER_DYNAMODB_ENDPOINT", "SOKETI_APP_MANAGER_DYNAMODB_ENDPOINT"];
    for (const name of names) {
      expect(mistakesOf(() => readPipelineConfig({ REDIS_URL: "redis://a", [name]: endpoint }))).toEqual([
        expect.stringMatching(
          new RegExp(`^${name}: expected a URL with http:// or https://, and without user, .*, found `),
        ),
      ]);
    }
    const dynamodbEndpoint = "https://dynamodb.eu-west-1.amazonaws.com";
    const config = readPipelineConfig({ REDIS_URL: "redis://a", [names[1] ?? ""]: dynamodbEndpoint });
    expect(config).toMatchObject({ dynamodbEndpoint });
  });

  it("knows sockudo's cache by its prefix, alone or beside soketi's", () => {
    const refresh = { REDIS_URL: "redis://a", SHARED_CACHE: "refresh" };
    expect(readPipelineConfig({ ...refresh, SHARED_CACHE_FORMAT: "sockudo" }).sharedCache).toEqual({
      mode: "refresh",
      sockudo: { prefix: "sockudo_cache:" },
    });
    const both = { ...refresh, SHARED_CACHE_FORMAT: "Soketi, Sockudo", SOCKUDO_CACHE_PREFIX: "s" };
    expect(readPipelineConfig(both).sharedCache).toEqual({
      mode: "refresh",
      soketi: { keyPrefix: "", ttlSeconds: -1 },
      sockudo: { prefix: "s" },
    });
    expect(mistakesOf(() => readPipelineConfig({ ...both, SHARED_CACHE: "evict" }))).toEqual([
      expect.stringMatching(
        /^SHARED_CACHE: expected refresh with SHARED_CACHE_FORMAT=sockudo, .* found evict/,
      ),
    ]);
    expect(mistakesOf(() => readPipelineConfig({ ...refresh, SHARED_CACHE_FORMAT: "redis" }))).toEqual([
      expect.stringMatching(/^SHARED_CACHE_FORMAT: expected soketi, sockudo or both with a comma/),
    ]);
    for (const [soketi, sockudo] of [
      ["x:", "x"],
      ["", "app:y"],
      ["s:app:id:", "s"],
    ] as const) {
      const env = { ...both, SOCKUDO_CACHE_PREFIX: sockudo, DB_REDIS_KEY_PREFIX: soketi };
      expect(mistakesOf(() => readPipelineConfig(env))).toEqual([
        expect.stringMatching(/^SOCKUDO_CACHE_PREFIX: expected a prefix that keeps sockudo's entries apart/),
      ]);
    }
  });

  it("keeps the log's names apart from entries of the shared cache, which a sweep would remove", () => {
    const refresh = { REDIS_URL: "redis://a", SHARED_CACHE: "evict", APP_SYNC_PREFIX: "x:app:sync" };
    const refused = [expect.stringMatching(/^APP_SYNC_PREFIX: expected a prefix outside the shared cache/)];
    expect(mistakesOf(() => readPipelineConfig({ ...refresh, DB_REDIS_KEY_PREFIX: "x:" }))).toEqual(refused);
    expect(readPipelineConfig(refresh).names.log).toBe("x:app:sync:v1:log");
    const sockudo = {
      ...refresh,
      SHARED_CACHE: "refresh",
      SHARED_CACHE_FORMAT: "sockudo",
      SOCKUDO_CACHE_PREFIX: "x",
    };
    expect(mistakesOf(() => readPipelineConfig(sockudo))).toEqual(refused);
    expect(readPipelineConfig({ ...refresh, SHARED_CACHE: "off", DB_REDIS_KEY_PREFIX: "x:" }).names.log).toBe(
      "x:app:sync:v1:log",
    );
  });

  it("takes another prefix for the names", () => {
    expect(readPipelineConfig({ REDIS_URL: "redis://a", APP_SYNC_PREFIX: "{x}" }).names.live).toBe(
      "{x}:v1:live",
    );
  });

  it("tells all mistakes together", () => {
    const mistakes = mistakesOf(() =>
      readPipelineConfig({
        REDIS_SENTINELS: "s1:99999,s2:x",
        REDIS_TLS: "perhaps",
        REDIS_DB: "-1",
        APP_SYNC_LOG_LENGTH: "1e3",
        APP_SYNC_MIN_REPLICAS: "-1",
        APP_SYNC_LOG_BYTES: "32mb",
      }),
    );
    expect(mistakes.map((mistake) => mistake.slice(0, mistake.indexOf(":")))).toEqual([
      "REDIS_TLS",
      "REDIS_SENTINEL_NAME",
      "REDIS_SENTINELS",
      "REDIS_SENTINELS",
      "REDIS_DB",
      "APP_SYNC_LOG_LENGTH",
      "APP_SYNC_LOG_BYTES",
      "APP_SYNC_MIN_REPLICAS",
    ]);
    expect(mistakes.at(-3)).toBe(
      'APP_SYNC_LOG_LENGTH: expected a whole number from 100 to 10000000, found "1e3". For example APP_SYNC_LOG_LENGTH=10000.',
    );
    expect(mistakes.at(-2)).toBe(
      "APP_SYNC_LOG_BYTES: expected a whole number from 1048576 to 17179869184, found something else (not shown: it may hold a password). For example APP_SYNC_LOG_BYTES=33554432.",
    );
  });
});

describe("the agent's configuration", () => {
  it("has the documented defaults, and soketi's own Redis", () => {
    expect(readAgentConfig({}, "apps")).toEqual({
      minReplicas: 0,
      names: {
        ask: "{app-sync:apps}:v1:ask",
        relay: "{app-sync:apps}:v1:relay",
        canary: "{app-sync:apps}:v1:canary",
        measured: "{app-sync:apps}:v1:canary:measured",
        log: "{app-sync:apps}:v1:log",
        last: "{app-sync:apps}:v1:last",
        live: "{app-sync:apps}:v1:live",
        nodes: "{app-sync:apps}:v1:nodes",
        seen: "{app-sync:apps}:v1:nodes:seen",
      },
      cache: true,
      leaseMs: 3_000,
      heartbeatMs: 1_000,
      limits: {
        degradedTtlMs: 5_000,
        maxStaleOnErrorMs: 60_000,
        loadBudgetMs: 5_000,
        missingKeyTtlMs: 1_000,
        maxEntries: 100_000,
      },
      reloadJitterMs: 50,
      verifyEveryMs: 1_000,
      readsPerSecond: 100,
      fleetReadsPerSecond: 2_000,
      closeOn: new Set(["deleted", "disabled", "rekeyed"]),
      closeCodes: {
        deleted: 4001,
        disabled: 4003,
        rekeyed: 4001,
        "secret-rotated": 4200,
        "over-limit": 4100,
      },
      enforceLimits: false,
      closesPerSecond: 5_000,
      ready: "soketi",
      ignoredVariables: [],
      guards: new Set(GUARDS),
      debug: false,
    });
    expect(isAgentRequired({})).toBe(false);
  });

  it("is about readiness and strictness, too", () => {
    expect(readAgentConfig({ APP_SYNC_READY: "Synced" }, "t").ready).toBe("synced");
    expect(mistakesOf(() => readAgentConfig({ APP_SYNC_READY: "on" }, "t"))).toEqual([
      'APP_SYNC_READY: expected soketi, synced, found "on".',
    ]);
    expect(isAgentRequired({ APP_SYNC_REQUIRED: "on" })).toBe(true);
    // Whoever sets it wants to be told of a mistake in it, not to run without the agent.
    expect(isAgentRequired({ APP_SYNC_REQUIRED: "please" })).toBe(true);
    expect(mistakesOf(() => readAgentConfig({ APP_SYNC_REQUIRED: "please" }, "t"))[0]).toMatch(
      /^APP_SYNC_REQUIRED: expected on or off, found/,
    );
  });

  it("takes Redis and the rest from the environment", () => {
    const env = {
      REDIS_URL: "redis://b:1",
      APP_SYNC_CACHE: "off",
      APP_SYNC_DEGRADED_TTL_MS: "0",
      APP_SYNC_DEBUG: "1",
    };
    expect(readAgentConfig(env, "t")).toMatchObject({
      redis: { settings: { kind: "standalone", host: "b", port: 1 }, from: "REDIS_URL" },
      cache: false,
      limits: { degradedTtlMs: 0 },
      debug: true,
    });
  });

  it("takes some causes to close on, or none", () => {
    expect([...readAgentConfig({ APP_SYNC_CLOSE_ON: "deleted, disabled" }, "t").closeOn]).toEqual([
      "deleted",
      "disabled",
    ]);
    expect(readAgentConfig({ APP_SYNC_CLOSE_ON: "none" }, "t").closeOn.size).toBe(0);
    expect(mistakesOf(() => readAgentConfig({ APP_SYNC_CLOSE_ON: "deleted,gone" }, "t"))[0]).toMatch(
      /APP_SYNC_CLOSE_ON: expected none, or some of deleted,disabled,rekeyed,secret-rotated, found something else .* in item 2/,
    );
  });

  it("takes the codes to close with, and keeps the others", () => {
    const { closeCodes } = readAgentConfig({ APP_SYNC_CLOSE_CODES: "rekeyed = 4200,deleted=4100" }, "t");
    expect(closeCodes).toEqual({
      deleted: 4100,
      disabled: 4003,
      rekeyed: 4200,
      "secret-rotated": 4200,
      "over-limit": 4100,
    });
    expect(readAgentConfig({ APP_SYNC_ENFORCE_LIMITS: "on" }, "t").enforceLimits).toBe(true);
  });

  it.each(["rekeyed=4300", "rekeyed=3999", "rekeyed=42000", "rekeyed", "gone=4001", "deleted=4001=4002", ""])(
    "takes no code for %j",
    (item) => {
      const read = () => readAgentConfig({ APP_SYNC_CLOSE_CODES: `disabled=4003,${item}` }, "t");
      expect(mistakesOf(read)).toHaveLength(1);
      expect(mistakesOf(read)[0]).toMatch(
        /APP_SYNC_CLOSE_CODES: expected items like rekeyed=4200: one of deleted, .*, found .* in item 2/,
      );
    },
  );

  it("refuses a heartbeat that leaves no second chance within the lease", () => {
    expect(mistakesOf(() => readAgentConfig({ APP_SYNC_LEASE_MS: "1000" }, "t"))[0]).toMatch(
      /APP_SYNC_HEARTBEAT_MS: expected at most half of APP_SYNC_LEASE_MS \(1000\), found 1000/,
    );
  });
});
