import { spawnSync } from "node:child_process";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { decodeMessage } from "../../src/protocol/message.ts";
import { busNames } from "../../src/protocol/names.ts";
import { root } from "../support/fleet.ts";

const PREFIX = "{cli}";
let redis: Redis;

beforeAll(async () => {
  redis = new Redis(inject("redisUrl"));
  await redis.del(busNames(PREFIX).log);
});

afterAll(async () => {
  await redis.quit();
});

function cli(args: string[], options: { input?: string; env?: Record<string, string> } = {}) {
  const env = {
    PATH: process.env.PATH,
    REDIS_URL: inject("redisUrl"),
    APP_SYNC_PREFIX: PREFIX,
    ...options.env,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli.mjs", ...args], {
    cwd: root,
    encoding: "utf8",
    env,
    input: options.input ?? "",
  });
  return { status, stdout, stderr };
}

async function lastMessage() {
  const [entry] = await redis.xrevrange(busNames(PREFIX).log, "+", "-", "COUNT", 1);
  return decodeMessage(entry?.[1][1] ?? "");
}

describe("soketi-app-sync", () => {
  it("normalize shows what nodes make of an item, without secrets", () => {
    const item = {
      AppId: { S: "acme" },
      AppKey: { S: "acme-key" },
      AppSecret: { S: "s3cret" },
      Enabled: { S: "no" },
      MaxConnections: { N: "0" },
    };
    for (const input of [item, { Item: item }]) {
      const { status, stdout } = cli(["normalize"], { input: JSON.stringify(input) });
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        app: { id: "acme", enabled: false },
        problems: [{ attribute: "MaxConnections", severity: "warning" }],
      });
      expect(stdout).not.toContain("s3cret");
    }
  });

  it("normalize says with its exit code that an item cannot be used, or not all of it", () => {
    const { status, stdout } = cli(["normalize"], { input: '{"AppId":{"S":"acme"}}' });
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ app: null });
    const identity = { AppId: { S: "acme" }, AppKey: { S: "k" }, AppSecret: { S: "s" } };
    const partly = cli(["normalize"], { input: JSON.stringify({ ...identity, Enabled: { S: "perhaps" } }) });
    expect(partly.status).toBe(2);
    expect(JSON.parse(partly.stdout)).toMatchObject({
      app: { id: "acme" },
      problems: [{ severity: "error" }],
    });
  });

  it("normalize says what it expected when it gets something else", () => {
    const { status, stderr } = cli(["normalize"], { input: "AppId: acme" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^soketi-app-sync: expected DynamoDB JSON/);
  });

  it("invalidate publishes a change of each app", async () => {
    const { status, stdout, stderr } = cli(["invalidate", "acme", "globex"]);
    expect([status, stdout]).toEqual([3, "invalidation of acme, globex published on {cli}:v1:log\n"]);
    expect(stderr).toContain("no node is registered to confirm it");
    expect(await lastMessage()).toMatchObject({
      kind: "changes",
      message: { changes: [{ appId: "acme" }, { appId: "globex" }] },
    });
  });

  it("flush publishes a flush with its reason", async () => {
    const { status, stdout } = cli(["flush", "--reason", "table restored", "--no-wait"]);
    expect([status, stdout]).toEqual([0, "flush published on {cli}:v1:log\n"]);
    expect(await lastMessage()).toMatchObject({ kind: "flush", message: { flush: "table restored" } });
  });

  it("tells what is wrong with its configuration, and with Redis, in words", () => {
    const none = cli(["flush"], { env: { REDIS_URL: "" } });
    expect(none.status).toBe(1);
    expect(none.stderr).toMatch(
      /REDIS_URL, REDIS_CLUSTER_NODES or REDIS_SENTINELS: expected one of them, found none/,
    );
    const away = cli(["flush"], { env: { REDIS_URL: "redis://:s3cret@127.0.0.1:1" } });
    expect(away.status).toBe(1);
    expect(away.stderr).toMatch(
      /^soketi-app-sync: Could not connect: Redis at 127\.0\.0\.1:1\/0 refused the connection \(ECONNREFUSED\)\. Nothing was done/,
    );
    expect(away.stderr).not.toContain("s3cret");
  });

  it("has help with an example for each command", () => {
    for (const command of ["normalize", "invalidate", "flush"]) {
      const { status, stdout } = cli([command, "--help"]);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^Examples?:$/m);
    }
  });
});
