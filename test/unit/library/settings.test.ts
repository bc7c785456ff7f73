import { describe, expect, it } from "vitest";
import { readAgentConfig } from "../../../src/config/agent.ts";
import type { RedisSettings } from "../../../src/config/redis.ts";
import { ConfigError } from "../../../src/config/errors.ts";
import { openApps } from "../../../src/library/apps.ts";
import { follow } from "../../../src/library/follow.ts";
import { readSettings } from "../../../src/library/settings.ts";

const environment = { REDIS_URL: "redis://from-environment", REDIS_PASSWORD: "of-environment" };
const read = (options: object = {}) => readSettings({ environment, ...options });

function mistakesOf(options: object): readonly string[] {
  return mistakesIn(() => readSettings({ environment: {}, ...options }));
}

function mistakesIn(use: () => unknown): readonly string[] {
  try {
    use();
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  throw new Error("expected a ConfigError, found none");
}

describe("settings of the library", () => {
  it("are the agent's where nothing is said", () => {
    const { leaseMs, heartbeatMs, limits, verifyEveryMs, names } = readAgentConfig(environment, "apps");
    expect(read()).toMatchObject({ leaseMs, heartbeatMs, limits, verifyEveryMs, names, table: "apps" });
    expect(read().redis).toMatchObject({ host: "from-environment", password: "of-environment" });
  });

  it("of Redis come from one place: beside the option no variable counts", () => {
    const redis = { kind: "standalone", tls: false, db: 0, port: 6379 };
    expect(read({ redis: "redis://given" }).redis).toEqual({ ...redis, host: "given" });
  });

  it("say where Redis may be the program's own: in a plain variable", () => {
    expect(read().doubtfulVariable).toBe("REDIS_URL");
    expect(read({ redis: "redis://given" }).doubtfulVariable).toBeUndefined();
    const named = read({ environment: { ...environment, APP_SYNC_REDIS_URL: "redis://named" } });
    expect(named).toMatchObject({
      redis: { host: "named", password: undefined },
      doubtfulVariable: undefined,
    });
  });

  it.each<RedisSettings>([
    { kind: "standalone", host: "a", port: 1, db: 2, tls: false },
    { kind: "cluster", nodes: [{ host: "a", port: 1 }], tls: true },
    { kind: "sentinel", sentinels: [{ host: "a", port: 1 }], name: "main", db: 0, tls: false },
  ])("can be those of a Redis, a cluster or sentinels: %o", (redis) => {
    expect(read({ redis }).redis).toEqual(redis);
  });

  it.each<[object, string]>([
    [{ table: "" }, "table: expected text, found an empty one: leave it out for the default."],
    [{ table: 5 }, "table: expected text, found a number: leave it out for the default."],
    [{ prefix: " " }, "prefix: expected text, found an empty one: leave it out for the default."],
  ])("refuse an empty name, which is no default: %o", (options, mistake) => {
    expect(mistakesOf({ redis: "redis://given", ...options })).toContain(mistake);
  });

  it("name the log by prefix, or else by table, of the options before the environment", () => {
    const log = (options: object, env: object = {}) =>
      read({ ...options, environment: { ...environment, ...env } }).names.log;
    expect(log({ table: "t" })).toBe("{app-sync:t}:v1:log");
    expect(log({ table: "t" }, { APP_MANAGER_DYNAMODB_TABLE: "other" })).toBe("{app-sync:t}:v1:log");
    expect(log({ prefix: "p" }, { APP_SYNC_PREFIX: "other" })).toBe("p:v1:log");
    expect(log({}, { APP_SYNC_PREFIX: "other" })).toBe("other:v1:log");
  });

  it.each<[string, object, RegExp]>([
    ["no Redis", {}, /^redis: expected a URL, or one of the variables APP_SYNC_REDIS_URL, .*found none/],
    ["another scheme", { redis: "http://:s3cret@x" }, /^redis: expected redis:\/\/.*not shown/],
    ["another kind", { redis: { kind: "s3cret" } }, /^redis: .* found another kind/],
    ["nothing at all", { redis: null }, /^redis: .* found another kind/],
    ["no node", { redis: { kind: "cluster", nodes: [] } }, /^redis: .* found no usable nodes:/],
    [
      "no host",
      { redis: { kind: "standalone", password: "s3cret" } },
      /^redis: .* found no usable host, port:/,
    ],
    [
      "a port that is none",
      { redis: { kind: "standalone", host: "a", port: Number.NaN } },
      /found no usable port:/,
    ],
    ["a database that is none", { redis: { kind: "standalone", host: "a", port: 1, db: -1 } }, /usable db:/],
    ["nodes as ioredis' URLs", { redis: { kind: "cluster", nodes: ["redis://:s3cret@a"] } }, /usable nodes:/],
    ["nodes as text", { redis: { kind: "cluster", nodes: "a:6379,s3cret" } }, /found no usable nodes:/],
    [
      "sentinels without ports, and nobody's name",
      { redis: { kind: "sentinel", sentinels: [{ host: "a" }], name: "" } },
      /found no usable sentinels, name:/,
    ],
    [
      "TLS as ioredis has it",
      { redis: { kind: "standalone", host: "a", port: 1, tls: { ca: "s3cret" } } },
      /found no usable tls:/,
    ],
    ["a lease too short", { redis: "redis://x", leaseMs: 1, heartbeatMs: 50 }, /^leaseMs: .* found 1\./],
    ["a slow heartbeat", { redis: "redis://x", heartbeatMs: 1_501 }, /^heartbeatMs: expected at most half/],
    ["no number", { redis: "redis://x", verifyEveryMs: Number.NaN }, /^verifyEveryMs: .* found NaN/],
    ["text", { redis: "redis://x", limits: { maxEntries: "5" } }, /^maxEntries: .* found a string/],
    [
      "a fraction",
      { redis: "redis://x", limits: { maxEntries: 1.5 } },
      /^maxEntries: expected a whole number .* 1\.5/,
    ],
    ["null", { redis: "redis://x", leaseMs: null }, /^leaseMs: .* found none/],
    [
      "a misspelt limit",
      { redis: "redis://x", limits: { maxEntrys: 5 } },
      /^limits\.maxEntrys: expected one of .*maxEntries/,
    ],
    [
      "a limit of another place",
      { redis: "redis://x", limits: { leaseMs: 5 } },
      /^limits\.leaseMs: expected one of/,
    ],
    [
      "limits that are none",
      { redis: "redis://x", limits: 5 },
      /^limits: expected an object, found a number/,
    ],
    ["an environment that is none", { environment: null }, /^environment: expected an object, found none/],
  ])("are refused, with %s", (_what, options, mistake) => {
    const mistakes = mistakesOf(options);
    expect(mistakes[0]).toMatch(mistake);
    expect(mistakes.join()).not.toContain("s3cret");
  });

  it("are refused with all mistakes at once", () => {
    const limits = { loadBudgetMs: 0, missingKeyTtlMs: -1 };
    const named = mistakesOf({ redis: "x", limits, heartbeatMs: 0 }).map((mistake) => mistake.split(":")[0]);
    expect(named).toEqual(["redis", "heartbeatMs", "loadBudgetMs", "missingKeyTtlMs"]);
  });

  it.each([undefined, null, "redis://:s3cret@x", [], 5])("are refused when they are none: %j", (options) => {
    expect(mistakesIn(() => readSettings(options as never))[0]).toMatch(
      /^options: expected an object, found /,
    );
  });
});

describe("a listener that is none", () => {
  const listeners = { onChange: 5, onError: "s3cret", onLease: {}, onFlush: undefined };

  it.each([follow, openApps])("is refused by %o before anything is opened", (use) => {
    expect(
      mistakesIn(() => use({ redis: "redis://127.0.0.1:1", environment: {}, ...listeners } as never)),
    ).toEqual([
      "onChange: expected a function, found a number.",
      "onError: expected a function, found a string.",
      "onLease: expected a function, found an object.",
    ]);
  });
});
