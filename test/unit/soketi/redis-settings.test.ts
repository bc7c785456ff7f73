import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { fromSoketi } from "../../../src/soketi/redis-settings.ts";

/** Of soketi's `dist/server.js`. */
const DEFAULTS = {
  host: "127.0.0.1",
  port: 6379,
  db: 0,
  username: null,
  password: null,
  keyPrefix: "",
  sentinels: null,
  sentinelPassword: null,
  name: "mymaster",
  clusterNodes: [],
};

const settingsOf = (redis: object) => fromSoketi({ ...DEFAULTS, ...redis }).settings;
const notCarried = (redis: object) => fromSoketi({ ...DEFAULTS, ...redis }).notCarried;

describe("one server", () => {
  it("by soketi's defaults", () => {
    expect(fromSoketi({ ...DEFAULTS, keyPrefix: "x:" })).toEqual({
      settings: { kind: "standalone", host: "127.0.0.1", port: 6379, db: 0, tls: false },
      notCarried: [],
    });
  });

  it("with all that a connection has", () => {
    const tls = { ca: "PEM", servername: "redis.internal", rejectUnauthorized: true };
    expect(
      settingsOf({
        host: "r",
        port: "1",
        db: "2",
        username: "u",
        password: "p",
        tls,
        family: 6,
        keepAlive: 9,
      }),
    ).toEqual({
      kind: "standalone",
      host: "r",
      port: 1,
      db: 2,
      username: "u",
      password: "p",
      tls: true,
      tlsOptions: tls,
      family: 6,
      keepAliveMs: 9,
    });
  });

  it("with a numeric password as text: soketi parses its variables as JSON", () => {
    expect(settingsOf({ password: 12345 })).toMatchObject({ password: "12345" });
  });

  it("on a unix socket", () => {
    expect(settingsOf({ path: "/run/redis.sock", db: 3 })).toMatchObject({ path: "/run/redis.sock", db: 3 });
  });

  it.each<[unknown, boolean, unknown]>([
    [undefined, false, undefined],
    [null, false, undefined],
    [false, false, undefined],
    ["", false, undefined],
    [true, true, {}],
    [{}, true, {}],
    ["RedisCloudFixed", true, { profile: "RedisCloudFixed" }],
  ])("with tls %j", (tls, isOn, tlsOptions) => {
    expect(settingsOf({ tls })).toMatchObject({ tls: isOn });
    expect(settingsOf({ tls }).tlsOptions).toEqual(tlsOptions);
  });

  it.each([
    [4, 4],
    ["IPv6", 6],
    ["4", 4],
    [null, undefined],
    ["any", undefined],
  ])("with family %j", (family, expected) => {
    expect(settingsOf({ family }).family).toBe(expected);
  });
});

describe("sentinels", () => {
  const sentinels = [{ host: "s", port: 1 }, { host: "t" }];

  it("with users and passwords of both", () => {
    const logins = { username: "u", password: "p", sentinelUsername: "su", sentinelPassword: 7 };
    expect(settingsOf({ sentinels, ...logins, name: "m", db: 2, family: 4 })).toMatchObject({
      ...logins,
      sentinelPassword: "7",
      kind: "sentinel",
      sentinels: [
        { host: "s", port: 1 },
        { host: "t", port: 26379 },
      ],
      name: "m",
      db: 2,
      tls: false,
      family: 4,
    });
  });

  it("with TLS to them, and to the master where ioredis would speak it", () => {
    const tls = { ca: "of the master" };
    const sentinelTLS = { ca: "of the sentinels" };
    expect(settingsOf({ sentinels, tls, sentinelTLS, enableTLSForSentinelMode: true })).toMatchObject({
      tls: true,
      tlsOptions: tls,
      sentinelTls: sentinelTLS,
    });
    expect(settingsOf({ sentinels, tls })).toMatchObject({ tls: false, sentinelTls: undefined });
  });

  it("with addresses that are translated", () => {
    const natMap = { "10.0.0.1:6379": { host: "r", port: 1 } };
    expect(settingsOf({ sentinels, natMap })).toMatchObject({ natMap });
  });
});

describe("a cluster", () => {
  it.each<[unknown, string, number]>([
    [{ host: "c" }, "c", 6379],
    [{ host: "c", port: "7000" }, "c", 7000],
    [{ port: 7000 }, "127.0.0.1", 7000],
    [7000, "127.0.0.1", 7000],
    ["7000", "127.0.0.1", 7000],
    ["c:7000", "c", 7000],
    ["c", "c", 6379],
    ["redis://u:p@c:7000/0?family=6", "c", 7000],
    ["redis://c:7000?password=x@y", "c", 7000],
    ["redis://[::1]:7000", "::1", 7000],
    ["//c:7000", "c", 7000],
  ])("with the node %j", (node, host, port) => {
    expect(settingsOf({ clusterNodes: [node] })).toMatchObject({ kind: "cluster", nodes: [{ host, port }] });
  });

  it("with the options of its connections", () => {
    const tls = { servername: "c.internal" };
    const natMap = (address: string) => ({ host: address, port: 1 });
    const redisOptions = { username: "u", password: "p", tls, family: 6, keepAlive: 5, db: null };
    expect(settingsOf({ clusterNodes: [{ host: "c" }], redisOptions, natMap })).toMatchObject({
      username: "u",
      password: "p",
      tls: true,
      tlsOptions: tls,
      family: 6,
      keepAliveMs: 5,
      natMap,
    });
  });

  it.each<[string, object, object]>([
    [
      "of a node",
      { clusterNodes: ["a", { host: "b", password: "n", username: "v" }] },
      { password: "n", username: "v" },
    ],
    ["of a URL", { clusterNodes: ["rediss://v:n%40x@a:1"] }, { password: "n@x", username: "v", tls: true }],
    [
      "of a URL's query",
      { clusterNodes: ["a:1?username=v&password=n%40x"] },
      { password: "n@x", username: "v" },
    ],
    ["of a URL that has two", { clusterNodes: ["redis://v:n@a/0?password=m"] }, { password: "n" }],
    ["of a URL, with a % that encodes nothing", { clusterNodes: ["redis://:5%@a"] }, { password: "5%" }],
    [
      "of a node rather than of all",
      { clusterNodes: ["redis://v:n@a"], password: "p", username: "u" },
      { password: "n", username: "v" },
    ],
    [
      "of all, where nothing else has one",
      { clusterNodes: ["a"], password: "p", username: "u" },
      { password: "p", username: "u" },
    ],
    [
      "of a node without a user",
      { clusterNodes: ["redis://:n@a"], password: "p", username: "u" },
      { password: "n", username: undefined },
    ],
    [
      "and TLS of a node rather than of all",
      { clusterNodes: [{ host: "a", tls: { servername: "x" } }], tls: { servername: "y" } },
      { tlsOptions: { servername: "x" } },
    ],
    [
      "of its connections",
      { clusterNodes: ["redis://v:n@a"], redisOptions: { password: "q", username: "w" } },
      { password: "q", username: "w" },
    ],
  ])("with the login %s", (_, redis, expected) => {
    expect(settingsOf(redis)).toMatchObject(expected);
  });
});

describe("what the agent's connections go without", () => {
  it("is named, once, where it is set", () => {
    expect(
      notCarried({
        role: "slave",
        preferredSlaves: null,
        Connector: () => null,
        sentinels: [{ host: "s", family: 6 }],
      }),
    ).toEqual(["role", "Connector", "sentinels[].family"]);
    const nodes = [
      { host: "a", db: 1, password: "p" },
      { host: "b", db: 1 },
    ];
    expect(notCarried({ clusterNodes: nodes, redisOptions: { dnsLookup: () => null } })).toEqual([
      "dnsLookup",
      "clusterNodes[].db",
    ]);
  });

  it("is nothing of what the agent decides for itself", () => {
    expect(notCarried({ connectTimeout: 1, retryStrategy: () => 1, keyPrefix: "x" })).toEqual([]);
  });

  it("is known for every option that soketi's ioredis has a default of", () => {
    const require = createRequire(createRequire(import.meta.url).resolve("@soketi/soketi/package.json"));
    const { DEFAULT_REDIS_OPTIONS: one } = require("ioredis/built/redis/RedisOptions") as Record<
      string,
      object
    >;
    const cluster = require("ioredis/built/cluster/ClusterOptions") as Record<string, object>;
    const options = { ...one, ...cluster.DEFAULT_CLUSTER_OPTIONS };
    expect(Object.keys(options).length).toBeGreaterThan(40);
    const set = Object.fromEntries(Object.keys(options).map((name) => [name, "set"]));
    expect([...fromSoketi(set).notCarried].sort()).toEqual([
      "dnsLookup",
      "resolveSrv",
      "role",
      "useSRVRecords",
    ]);
  });
});
