import { describe, expect, it } from "vitest";
import { readAgentConfig } from "../../../src/config/agent.ts";
import type { Environment } from "../../../src/config/env.ts";
import { readPipelineConfig } from "../../../src/config/pipeline.ts";
import { readSettings } from "../../../src/library/settings.ts";
import { mistakesOf } from "./mistakes.ts";

const redisOf = (env: Environment) => readPipelineConfig(env).redis;

describe("Redis settings", () => {
  it.each<[string, Environment, object]>([
    [
      "a plain URL",
      { REDIS_URL: "redis://cache" },
      { kind: "standalone", host: "cache", port: 6379, db: 0, tls: false },
    ],
    [
      "a full URL",
      { REDIS_URL: "rediss://user:p%40ss@cache.example.com:6380/3" },
      {
        kind: "standalone",
        host: "cache.example.com",
        port: 6380,
        db: 3,
        tls: true,
        username: "user",
        password: "p@ss",
      },
    ],
    ["an IPv6 URL", { REDIS_URL: "redis://[::1]:7000" }, { kind: "standalone", host: "::1", port: 7000 }],
    [
      "a cluster",
      { REDIS_CLUSTER_NODES: "a:7000, b:7001,[::1]:7002", REDIS_PASSWORD: "p", REDIS_TLS: "on" },
      {
        kind: "cluster",
        nodes: [
          { host: "a", port: 7000 },
          { host: "b", port: 7001 },
          { host: "::1", port: 7002 },
        ],
        password: "p",
        tls: true,
      },
    ],
    [
      "sentinels",
      {
        REDIS_SENTINELS: "s1:26379,s2:26380",
        REDIS_SENTINEL_NAME: "main",
        REDIS_SENTINEL_PASSWORD: "sp",
        REDIS_DB: "2",
      },
      {
        kind: "sentinel",
        sentinels: [
          { host: "s1", port: 26379 },
          { host: "s2", port: 26380 },
        ],
        name: "main",
        db: 2,
        sentinelPassword: "sp",
      },
    ],
  ])("from %s", (_, env, expected) => {
    expect(redisOf(env)).toMatchObject(expected);
  });

  it("are refused in more than one form, and in none", () => {
    expect(mistakesOf(() => redisOf({ REDIS_URL: "redis://a", REDIS_CLUSTER_NODES: "b" }))).toEqual([
      "REDIS_URL, REDIS_CLUSTER_NODES: expected one of them, found 2. Remove the others.",
    ]);
    expect(mistakesOf(() => redisOf({ REDIS_URL: "" }))[0]).toMatch(/expected one of them, found none/);
  });

  it("with APP_SYNC_ in front win over plain ones, which may belong to another program", () => {
    const foreign = {
      REDIS_URL: "no URL at all",
      REDIS_CLUSTER_NODES: "b",
      REDIS_PASSWORD: "p",
      REDIS_TLS: "?",
    };
    expect(redisOf({ ...foreign, APP_SYNC_REDIS_URL: "redis://mine" })).toEqual({
      kind: "standalone",
      host: "mine",
      port: 6379,
      db: 0,
      tls: false,
    });
    const own = {
      APP_SYNC_REDIS_SENTINELS: "s:26379",
      APP_SYNC_REDIS_SENTINEL_NAME: "m",
      APP_SYNC_REDIS_DB: "3",
      APP_SYNC_REDIS_TLS: "on",
      APP_SYNC_REDIS_TLS_SERVERNAME: "redis.internal",
      APP_SYNC_REDIS_USERNAME: "u",
      APP_SYNC_REDIS_PASSWORD: "own",
      APP_SYNC_REDIS_SENTINEL_USERNAME: "su",
      APP_SYNC_REDIS_SENTINEL_PASSWORD: "sp",
      APP_SYNC_REDIS_SENTINEL_TLS: "on",
    };
    expect(redisOf({ ...foreign, ...own })).toEqual({
      kind: "sentinel",
      sentinels: [{ host: "s", port: 26379 }],
      name: "m",
      db: 3,
      tls: true,
      tlsOptions: { servername: "redis.internal" },
      username: "u",
      password: "own",
      sentinelUsername: "su",
      sentinelPassword: "sp",
      sentinelTls: {},
    });
  });

  it("with APP_SYNC_ in front: two forms, and what goes with none, are mistakes", () => {
    const two = { APP_SYNC_REDIS_URL: "redis://a", APP_SYNC_REDIS_CLUSTER_NODES: "b" };
    expect(mistakesOf(() => readAgentConfig(two, "apps"))).toEqual([
      "APP_SYNC_REDIS_URL, APP_SYNC_REDIS_CLUSTER_NODES: expected one of them, found 2. Remove the others.",
    ]);
    expect(mistakesOf(() => readAgentConfig({ APP_SYNC_REDIS_TLS: "on" }, "apps"))).toEqual([
      "APP_SYNC_REDIS_TLS: expected APP_SYNC_REDIS_URL, APP_SYNC_REDIS_CLUSTER_NODES or APP_SYNC_REDIS_SENTINELS beside it, found none.",
    ]);
    // It would be left out without a word.
    const beside = { REDIS_URL: "redis://a", APP_SYNC_REDIS_PASSWORD: "s3cret" };
    for (const read of [redisOf, (env: Environment) => readAgentConfig(env, "apps")])
      expect(mistakesOf(() => read(beside))).toEqual([
        "APP_SYNC_REDIS_PASSWORD: expected APP_SYNC_REDIS_URL, APP_SYNC_REDIS_CLUSTER_NODES or APP_SYNC_REDIS_SENTINELS beside it, found none.",
      ]);
    expect(mistakesOf(() => readAgentConfig({ APP_SYNC_REDIS_SENTINELS: "a" }, "apps"))[0]).toMatch(
      /^APP_SYNC_REDIS_SENTINEL_NAME: expected the master's name beside APP_SYNC_REDIS_SENTINELS/,
    );
  });

  it("the database is the URL's: the pipeline refuses another beside it, and any but 0 on a cluster", () => {
    const other = "REDIS_DB: expected the database of the URL, 0 where it names none, found another.";
    expect(mistakesOf(() => redisOf({ REDIS_URL: "redis://a", REDIS_DB: "3" }))[0]).toContain(other);
    expect(mistakesOf(() => redisOf({ REDIS_URL: "redis://a/3", REDIS_DB: "s3cret" }))).toEqual([
      `${other} Name it in the URL alone, as in redis://host:6379/3.`,
    ]);
    expect(mistakesOf(() => redisOf({ REDIS_CLUSTER_NODES: "a:1", REDIS_DB: "3" }))).toEqual([
      "REDIS_DB: expected 0, the only database of a cluster, found another. Remove it.",
    ]);
    expect(redisOf({ REDIS_URL: "redis://a/3", REDIS_DB: "3" })).toMatchObject({ db: 3 });
    expect(redisOf({ REDIS_CLUSTER_NODES: "a:1", REDIS_DB: "0" })).toMatchObject({ kind: "cluster" });
    // Another program's.
    expect(redisOf({ APP_SYNC_REDIS_URL: "redis://a", REDIS_DB: "3" })).toMatchObject({ db: 0 });
  });

  it("a certificate's name without TLS is a mistake: the connection would be in the clear", () => {
    for (const prefix of ["", "APP_SYNC_"]) {
      const name = `${prefix}REDIS_TLS_SERVERNAME`;
      const redis = { [`${prefix}REDIS_URL`]: "redis://a", [name]: "b" };
      for (const read of [() => redisOf(redis), () => readAgentConfig(redis, "apps")])
        expect(mistakesOf(read)).toEqual([
          `${name}: expected TLS beside it: rediss://, or REDIS_TLS=on, found none.`,
        ]);
      expect(redisOf({ ...redis, [`${prefix}REDIS_URL`]: "rediss://a" })).toMatchObject({ tls: true });
      expect(redisOf({ ...redis, [`${prefix}REDIS_TLS`]: "on" })).toMatchObject({ tls: true });
    }
  });

  it("stray ones do not keep the agent off, whatever is in them", () => {
    const stray = { REDIS_TLS: "perhaps", REDIS_DB: "x", REDIS_PASSWORD: "p" };
    expect(readAgentConfig(stray, "apps")).toMatchObject({
      redis: undefined,
      ignoredVariables: ["REDIS_PASSWORD", "REDIS_TLS", "REDIS_DB"],
    });
  });

  it.each(["s3cret", "http://u:s3cret@host", "redis://u:s3cret@host/db", "redis://:s3cret@"])(
    "of a wrong URL are not shown: %s",
    (url) => {
      const mistakes = mistakesOf(() => redisOf({ REDIS_URL: url }));
      expect(mistakes).toHaveLength(1);
      expect(mistakes[0]).toMatch(/^REDIS_URL: expected redis:\/\//);
      expect(mistakes[0]).not.toContain("s3cret");
    },
  );
});

describe("lists of hosts", () => {
  const nodesOf = (nodes: string) => redisOf({ REDIS_CLUSTER_NODES: nodes });

  it.each([
    ["a:1,,b:2 ,", ["a", "b"]],
    [" [::1]:1 ,x_y.example.com:65535", ["::1", "x_y.example.com"]],
  ])("%j", (text, hosts) => {
    expect(nodesOf(text)).toMatchObject({ nodes: hosts.map((host) => ({ host })) });
  });

  it.each([" ", ",", " ,", ",,, ,"])("%j names none", (text) => {
    for (const name of ["REDIS_CLUSTER_NODES", "REDIS_SENTINELS"]) {
      const env = { [name]: text, REDIS_SENTINEL_NAME: "main" };
      expect(mistakesOf(() => redisOf(env))).toEqual([
        `${name}: expected host:port items separated by commas, found none.`,
      ]);
    }
  });

  it.each(["a:0", "a:65536", "a:123456", "a:b", "a b", "u@a", "a:1:2", "[::1", "::1", "a/b", "redis://a"])(
    "%j is no host, and which item it was is said",
    (item) => {
      const mistakes = mistakesOf(() => nodesOf(`ok:1,${item}`));
      expect(mistakes).toHaveLength(1);
      expect(mistakes[0]).toContain("found another form in item 2 (not shown: it may hold a password).");
      expect(mistakes[0]?.includes("User and password have")).toBe(item.includes("@"));
    },
  );

  it.each([
    "REDIS_CLUSTER_NODES",
    "REDIS_SENTINELS",
    "APP_SYNC_REDIS_CLUSTER_NODES",
    "APP_SYNC_REDIS_SENTINELS",
  ])("in %s a name alone is none: it may be a password after a comma", (name) => {
    const own = name.startsWith("APP_SYNC_") ? "APP_SYNC_" : "";
    const env = { [name]: "a:1,s3cret", [`${own}REDIS_SENTINEL_NAME`]: "main" };
    expect(mistakesOf(() => redisOf(env))).toEqual([
      `${name}: expected host:port items separated by commas, found no port in item 2 (not shown: it may hold a password).`,
    ]);
  });

  it("a blank name of the master is none", () => {
    expect(mistakesOf(() => redisOf({ REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: " " }))[0]).toMatch(
      /^REDIS_SENTINEL_NAME: expected the master's name/,
    );
  });
});

describe("the prefix on a cluster", () => {
  const cluster = { REDIS_CLUSTER_NODES: "a:1" };
  const own = { kind: "cluster", nodes: [{ host: "a", port: 1 }], tls: false } as const;
  const readers: [string, (env: Environment) => unknown][] = [
    ["pipeline", (env) => readPipelineConfig({ ...cluster, ...env })],
    ["agent", (env) => readAgentConfig({ ...cluster, ...env }, "apps")],
    ["agent on soketi's own cluster", (env) => readAgentConfig(env, "apps", own)],
    ["library", (environment) => readSettings({ environment: { ...cluster, ...environment } })],
    ["library's option", (environment) => readSettings({ redis: own, environment })],
  ];

  it.each(readers)("has a hash tag: %s", (_who, read) => {
    for (const prefix of ["app-sync", "{}", "{}x{y}", "a}b{", "{a"]) {
      expect(mistakesOf(() => read({ APP_SYNC_PREFIX: prefix }))).toEqual([
        expect.stringMatching(/APP_SYNC_PREFIX: expected a hash tag such as/),
      ]);
    }
    for (const prefix of ["{app-sync}", "a{b}c", "a}{b}", "{{a}"])
      expect(() => read({ APP_SYNC_PREFIX: prefix })).not.toThrow();
    expect(() => read({})).not.toThrow();
  });

  it("needs none elsewhere", () => {
    expect(() => redisOf({ REDIS_URL: "redis://a", APP_SYNC_PREFIX: "app-sync" })).not.toThrow();
    expect(() => readAgentConfig({ APP_SYNC_PREFIX: "app-sync" }, "apps")).not.toThrow();
    expect(() =>
      readAgentConfig({ APP_SYNC_PREFIX: "x", REDIS_URL: "redis://a" }, "apps", own),
    ).not.toThrow();
  });
});

describe("a Redis login that is kept elsewhere", () => {
  const base = { REDIS_URL: "rediss://sync@cache:6379", AWS_REGION: "eu-west-1" };

  it.each([
    [{ REDIS_SECRET_ID: "prod/redis" }, { kind: "secret", id: "prod/redis" }],
    [{ REDIS_PASSWORD_PARAMETER: "/prod/redis" }, { kind: "parameter", name: "/prod/redis" }],
    [
      { REDIS_IAM_CACHE_NAME: "cache", REDIS_IAM_SERVERLESS: "on" },
      { kind: "iam", cacheName: "cache", serverless: true, username: "sync", region: "eu-west-1" },
    ],
  ])("%o", (env, expected) => {
    expect(readPipelineConfig({ ...base, ...env }).redisCredentials).toEqual(expected);
  });

  it("is absent by default", () => {
    expect(readPipelineConfig(base).redisCredentials).toBeUndefined();
  });

  it("is the only one, and has what it needs: all mistakes together, without the password", () => {
    const mistakes = mistakesOf(() =>
      readPipelineConfig({
        REDIS_CLUSTER_NODES: "a:1",
        REDIS_PASSWORD: "s3cret",
        REDIS_IAM_CACHE_NAME: "My_Cache",
        REDIS_IAM_SERVERLESS: "perhaps",
        REDIS_SECRET_ID: "s",
      }),
    );
    expect(mistakes.join("\n")).not.toContain("s3cret");
    expect(mistakes.map((mistake) => mistake.slice(0, mistake.indexOf(":")))).toEqual([
      "REDIS_IAM_SERVERLESS",
      "REDIS_SECRET_ID, REDIS_IAM_CACHE_NAME",
      "REDIS_SECRET_ID",
    ]);
    const iam = mistakesOf(() =>
      readPipelineConfig({ REDIS_URL: "redis://a", REDIS_IAM_CACHE_NAME: "My_Cache" }),
    );
    expect(iam).toEqual([
      expect.stringMatching(/^REDIS_IAM_CACHE_NAME: expected a cache's name in lower case/),
      expect.stringMatching(/^REDIS_IAM_CACHE_NAME: expected the user's id/),
      expect.stringMatching(/^REDIS_IAM_CACHE_NAME: expected TLS/),
      expect.stringMatching(/^AWS_REGION: expected the cache's region/),
    ]);
  });
});
