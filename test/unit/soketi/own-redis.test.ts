import { describe, expect, it } from "vitest";
import { ownRedis } from "../../../src/soketi/own-redis.ts";
import type { SoketiServer } from "../../../src/soketi/server.ts";

/** Of soketi's `dist/server.js`. */
const DEFAULTS = { host: "127.0.0.1", port: 6379, db: 0, password: null, sentinels: null, clusterNodes: [] };

type Parts = Pick<SoketiServer["options"], "adapter" | "cache" | "queue" | "rateLimiter">;

const own = (redis: object, parts: Parts = {}) =>
  ownRedis({
    ...parts,
    database: { redis: { ...DEFAULTS, ...redis } },
  } as unknown as SoketiServer["options"]);

const PARTS = ["adapter", "cache", "queue", "rateLimiter"] as const;
const onRedis = (part: (typeof PARTS)[number], redis: Readonly<Record<string, unknown>> = {}): Parts => ({
  [part]: { driver: "redis", redis },
});

describe("the Redis that soketi uses", () => {
  it("is that of database.redis, while no part of soketi uses any", () => {
    const parts = { cache: { driver: "memory", redis: { redisOptions: { host: "no" } } } };
    expect(own({ host: "r" }, parts)).toMatchObject({
      settings: { kind: "standalone", host: "r" },
      isUsed: false,
      others: [],
    });
    expect(own({ clusterNodes: ["c:7000"] }).settings).toMatchObject({ kind: "cluster" });
  });

  it.each(PARTS)("is that of the %s, with the options that it has for itself", (part) => {
    const options = { tls: { servername: "r.internal" }, port: 6_380 };
    const names = { redisOptions: options, redisPubOptions: options, redisSubOptions: options };
    expect(own({ host: "r" }, onRedis(part, names))).toMatchObject({
      settings: { host: "r", port: 6_380, tls: true, tlsOptions: options.tls },
      isUsed: true,
      others: [],
    });
  });

  it.each(PARTS)("is a cluster only where the %s is told so", (part) => {
    const redis = { host: "one", clusterNodes: [{ host: "c", port: 7_000 }] };
    for (const options of [{}, { clusterMode: false }]) {
      expect(own(redis, onRedis(part, options)).settings).toMatchObject({ kind: "standalone", host: "one" });
    }
    expect(own(redis, onRedis(part, { clusterMode: true })).settings).toMatchObject({
      kind: "cluster",
      nodes: [{ host: "c", port: 7_000 }],
    });
  });

  it("is a cluster, with what a part has for the cluster's connections", () => {
    const redisOptions = { redisOptions: { password: "p", tls: {} } };
    const parts = onRedis("cache", { clusterMode: true, redisOptions });
    expect(own({ clusterNodes: ["c:7000"] }, parts).settings).toMatchObject({ password: "p", tls: true });
  });

  it("is the first part's where they differ, and the others are named", () => {
    const parts = {
      ...onRedis("adapter"),
      ...onRedis("queue", { redisOptions: { host: "jobs" } }),
      ...onRedis("rateLimiter"),
    };
    expect(own({ host: "r" }, parts)).toMatchObject({
      settings: { host: "r" },
      others: ["queue.redis.redisOptions"],
    });
  });
});
