import { describe, expect, it } from "vitest";
import { readAgentConfig } from "../../../src/config/agent.ts";
import type { Environment } from "../../../src/config/env.ts";
import type { SoketiServer } from "../../../src/soketi/server.ts";
import { whichRedis } from "../../../src/soketi/which-redis.ts";

const DEFAULTS = { host: "127.0.0.1", port: 6379, db: 0, password: null };

function which(env: Environment, redis: object = {}, drivers: Partial<SoketiServer["options"]> = {}) {
  const options = { ...drivers, database: { redis: { ...DEFAULTS, ...redis } } };
  return whichRedis(readAgentConfig(env, "apps"), options as unknown as SoketiServer["options"]);
}

describe("which Redis", () => {
  it.each<[string, Environment, object, string]>([
    ["soketi's", {}, { host: "own", port: 1, db: 2 }, "own:1/2 (soketi's own settings)"],
    ["a unix socket of soketi's", {}, { path: "/r.sock" }, "unix:/r.sock/0 (soketi's own settings)"],
    ["REDIS_URL", { REDIS_URL: "rediss://u:s3cret@r:1/3" }, {}, "r:1/3 with TLS (REDIS_URL)"],
    ["IPv6", { REDIS_URL: "redis://[::1]:1" }, {}, "[::1]:1/0 (REDIS_URL)"],
    [
      "a cluster",
      { REDIS_CLUSTER_NODES: "a:1,b:2", REDIS_PASSWORD: "s3cret" },
      {},
      "cluster a:1,b:2 (REDIS_CLUSTER_NODES)",
    ],
    [
      "sentinels",
      {
        REDIS_SENTINELS: "a:1,b:2",
        REDIS_SENTINEL_NAME: "m",
        REDIS_SENTINEL_PASSWORD: "s3cret",
        REDIS_DB: "4",
      },
      {},
      "the master of sentinels a:1,b:2, database 4 (REDIS_SENTINELS)",
    ],
    [
      "the one that is meant",
      { REDIS_URL: "redis://other", APP_SYNC_REDIS_URL: "redis://:s3cret@mine" },
      { host: "own" },
      "mine:6379/0 (APP_SYNC_REDIS_URL)",
    ],
  ])("%s is named, and what names it", (_, env, redis, expected) => {
    const { description } = which(env, redis);
    expect(description).toBe(expected);
    expect(description).not.toContain("s3cret");
  });

  it.each([
    { host: "redis://:s3cret@own:1" },
    { host: "S3cretquokka" },
    { host: "s3cret@own" },
    { path: "redis://:s3cret@own" },
    { path: "/run/u:s3cret@x" },
    { clusterNodes: ["s3cret", "s3cret!quokka", { host: "S3cret" }] },
    { sentinels: ["s3cret", { host: "s3cret@own" }], name: "s3cret" },
  ])("is not named where that may be a password: %j", (redis) => {
    const { description } = which({}, redis);
    expect(description).toMatch(/a (host|unix socket) \(not shown: it may hold a password\)/);
    expect(description).not.toMatch(/s3cret/i);
  });

  it.each(["127.0.0.1", "::1", "fe80::1%eth0", "redis-0", "my_redis", "Cache.example.com", "bücher.example"])(
    "is named where it is an address: %j",
    (host) => {
      expect(which({}, { host }).description).toContain(host);
    },
  );

  it("that nobody is shown, is soketi's only if it is the same", () => {
    const url = (host: string) => ({ REDIS_URL: `redis://${host}` });
    expect(which(url("OwnRedis"), { host: "OwnRedis" })).toMatchObject({ isDoubtful: false });
    expect(which(url("OtherRedis"), { host: "OwnRedis" })).toMatchObject({ isDoubtful: true });
  });

  it.each<[string, boolean, Environment, object, object?]>([
    ["a plain variable that names another", true, { REDIS_URL: "redis://r" }, { host: "own" }],
    ["a variable of our own", false, { APP_SYNC_REDIS_URL: "redis://r" }, { host: "own" }],
    ["a plain variable that names soketi's", false, { REDIS_URL: "redis://own" }, { host: "own" }],
    ["another database of soketi's", true, { REDIS_URL: "redis://own/1" }, { host: "own" }],
    [
      "another master of soketi's sentinels",
      true,
      { REDIS_SENTINELS: "s:26379", REDIS_SENTINEL_NAME: "other" },
      { sentinels: [{ host: "s" }] },
    ],
    ["what soketi is told", false, {}, { host: "own" }],
    ["what nobody named and soketi does not use", true, {}, {}],
    ["what nobody named, with another driver", true, {}, {}, { adapter: { driver: "local" } }],
    ["what soketi's adapter uses", false, {}, {}, { adapter: { driver: "redis" } }],
    ["what soketi's queue uses", false, {}, {}, { queue: { driver: "redis" } }],
    ["what soketi's cache uses", false, {}, {}, { cache: { driver: "redis" } }],
    ["what soketi's limiter uses", false, {}, {}, { rateLimiter: { driver: "redis" } }],
    [
      "one of two that soketi uses",
      true,
      {},
      { host: "own" },
      {
        adapter: { driver: "redis" },
        queue: { driver: "redis", redis: { redisOptions: { host: "jobs", password: "s3cret" } } },
      },
    ],
    [
      "a cluster that soketi does not use",
      true,
      { REDIS_CLUSTER_NODES: "c:7000" },
      { clusterNodes: ["c:7000"] },
      { cache: { driver: "redis", redis: { clusterMode: false } } },
    ],
  ])("may be another program's: %s, %j", (_, isDoubtful, env, redis, drivers = {}) => {
    expect(which(env, redis, drivers)).toMatchObject({ isDoubtful });
  });

  it("warns of what is set and has no effect", () => {
    expect(which({ REDIS_TLS: "on", REDIS_PASSWORD: "s3cret" }).warnings).toEqual([
      "REDIS_PASSWORD, REDIS_TLS: ignored, because Redis is taken from soketi's own settings.",
    ]);
    const env = { APP_SYNC_REDIS_URL: "redis://r", REDIS_TLS: "maybe", REDIS_URL: "no URL" };
    expect(which(env).warnings).toEqual([
      "REDIS_TLS: ignored, because Redis is taken from APP_SYNC_REDIS_URL.",
    ]);
    expect(which({ REDIS_URL: "redis://r", REDIS_TLS: "on" }).warnings).toEqual([]);
    expect(which({ REDIS_URL: "redis://r", REDIS_TLS: "on", REDIS_DB: "2" }).warnings).toEqual([
      "REDIS_DB: ignored, because Redis is taken from REDIS_URL.",
    ]);
    const cluster = { APP_SYNC_REDIS_CLUSTER_NODES: "c:1", APP_SYNC_REDIS_DB: "2", REDIS_DB: "1" };
    expect(which(cluster).warnings).toEqual([
      "REDIS_DB, APP_SYNC_REDIS_DB: ignored, because Redis is taken from APP_SYNC_REDIS_CLUSTER_NODES.",
    ]);
    const sentinels = { REDIS_SENTINELS: "s:1", REDIS_SENTINEL_NAME: "m", REDIS_DB: "2" };
    expect(which(sentinels).warnings).toEqual([]);
  });

  it("warns of soketi's options that are not taken over, unless soketi's Redis is not used", () => {
    const redis = { dnsLookup: () => null, password: "s3cret" };
    expect(which({}, redis).warnings).toEqual([
      "soketi's Redis settings have dnsLookup, which the agent's own connection does not use.",
    ]);
    expect(which({ REDIS_URL: "redis://r" }, redis).warnings).toEqual([]);
  });

  it("warns when soketi itself uses more than one", () => {
    const drivers = {
      adapter: { driver: "redis" },
      queue: { driver: "redis", redis: { redisOptions: { host: "jobs", password: "s3cret" } } },
    };
    expect(which({}, { host: "own" }, drivers).warnings).toEqual([
      "soketi uses another Redis, or another login, by its queue.redis.redisOptions. If the pipeline's Redis is not " +
        "own:6379/0, set APP_SYNC_REDIS_URL to it.",
    ]);
    expect(which({ APP_SYNC_REDIS_URL: "redis://r" }, { host: "own" }, drivers).warnings).toEqual([]);
  });
});
