import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import {
  announce,
  ConfigError,
  NoLogError,
  RedisError,
  type RedisSettings,
} from "../../src/library/index.ts";
import { busNames } from "../../src/protocol/names.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { accepts, eventually, type Fleet, item, outcomeOfConnecting, startFleet } from "../support/fleet.ts";
import { startMuteServer } from "../support/mute-server.ts";

let fleet: Fleet;
let node: SoketiNode;
let env: Record<string, string>;

/** The function never runs: what nodes hear of, they were told. */
beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  await fleet.source.stop();
  env = fleet.commandEnv;
  node = await fleet.node();
  // The log begins with it.
  const flushed = await run("flush");
  expect(flushed.status, flushed.stderr).toBe(0);
});

afterAll(async () => {
  await fleet.stop();
});

const run = (...args: string[]) => cli(args, { env });

interface Row {
  readonly appId: string;
  readonly by?: string;
  readonly reason?: string;
  readonly changed: string[];
  readonly app?: object;
}

const rowsOf = async (id: string) =>
  jsonLines<Row>(await run("tail", "--since", "all", "--no-follow", "--json", "--app", id)).filter(
    ({ appId }) => appId === id,
  );

it("a change of the command line is in effect on every node without the stream, and the log says who and why", async () => {
  await fleet.table.put(item("told"));
  expect(await outcomeOfConnecting(node, "told-key")).toBe("connected");
  const who = ["--by", "alice", "--reason", "its key has leaked"];
  const disabled = await run("apps", "disable", "told", ...who);
  expect([disabled.status, disabled.stderr]).toEqual([0, ""]);
  expect(disabled.stdout).toContain("in effect on 1 node");
  expect(await outcomeOfConnecting(node, "told-key")).toBe(4003);
  const [row] = await rowsOf("told");
  expect(row).toMatchObject({ by: "alice", reason: "its key has leaked", changed: ["enabled"] });
  // Only "forget": what the app is now, nodes read themselves.
  expect(row?.app).toBeUndefined();
  const tail = await run("tail", "--since", "all", "--no-follow", "--app", "told");
  expect(tail.stdout).toMatch(/updated\s+told\s+.*enabled\s+by alice: its key has leaked/);
});

it("a new key is known at once, and who is not said is the user", async () => {
  await fleet.table.put(item("named"));
  expect(await outcomeOfConnecting(node, "named-key")).toBe("connected");
  const result = await run("apps", "rotate-key", "named", "--key", "named-key-2");
  expect(result.status, result.stderr).toBe(0);
  expect(await outcomeOfConnecting(node, "named-key")).toBe(4001);
  expect(await outcomeOfConnecting(node, "named-key-2")).toBe("connected");
  const [row] = await rowsOf("named");
  expect(row?.by).toBe(`${userInfo().username}@${hostname()}`);
  expect(row?.reason).toBeUndefined();
});

it("invalidate and flush say who and why, too, and that a shared cache is as it was", async () => {
  await fleet.table.put(item("asked"));
  const invalidated = await run("invalidate", "asked", "--by", "bob", "--reason", "to be sure");
  expect([invalidated.status, invalidated.stderr]).toEqual([0, ""]);
  expect((await rowsOf("asked")).at(-1)).toMatchObject({ by: "bob", reason: "to be sure", changed: [] });
  const env2 = { ...env, SHARED_CACHE: "refresh" };
  const flushed = await cli(["flush", "--reason", "restored"], { env: env2 });
  expect(flushed.status, flushed.stderr).toBe(0);
  expect(flushed.stderr).toContain("the shared cache is left as it is: soketi-app-sync sweep compares it");
  const { stdout } = await run("tail", "--since", "all", "--no-follow");
  expect(stdout).toMatch(/flush\s+all apps {2}.*by \S+@\S+: restored$/m);
  expect(stdout).toMatch(/updated\s+asked\s+.*by bob: to be sure/);
});

it("does not fail when the nodes cannot be told: the change is made", async () => {
  await fleet.table.put(item("untold"));
  const away = { ...env, REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
  const { status, stdout, stderr } = await cli(["apps", "disable", "untold", "--no-wait"], { env: away });
  expect([status, stdout]).toEqual([0, expect.stringContaining("app untold is disabled")]);
  expect(stderr).toContain("the nodes were not notified directly; the stream will deliver the change: ");
  expect(await fleet.table.get("untold")).toMatchObject({ Enabled: { BOOL: false } });
});

it("announce of the library has nodes forget an app", async () => {
  await fleet.table.put(item("library"));
  await eventually("the app", () => accepts(node, "library", "library-secret"));
  await fleet.table.update("library", { AppSecret: { S: "new" } });
  expect(await accepts(node, "library", "library-secret")).toBe(true);
  const id = await announce([{ appId: "library" }], {
    redis: inject("redisUrl"),
    table: fleet.table.name,
    prefix: fleet.prefix,
    by: "a deployment",
    environment: {},
  });
  expect(id).toMatch(/^\d+-\d+$/);
  await eventually("the new secret", () => accepts(node, "library", "new"));
  expect(await rowsOf("library")).toMatchObject([{ by: "a deployment" }]);
});

it("announce of the library sends nothing when one of its changes cannot be read", async () => {
  const redis = new Redis(inject("redisUrl"));
  const length = () => redis.xlen(busNames(fleet.prefix).log);
  const [before, flushes] = [await length(), (await node.metrics()).flushes_total];
  const options = { redis: inject("redisUrl"), prefix: fleet.prefix, by: "the test", environment: {} };
  await expect(announce([{ appId: "library" }, { appId: "" }], options)).rejects.toThrow(ConfigError);
  expect([await length(), (await node.metrics()).flushes_total]).toEqual([before, flushes]);
  await redis.quit();
});

it("announce of the library begins no log in a Redis that may be the program's own", async () => {
  const prefix = `{announce:${randomUUID()}}`;
  const announced = (environment: Record<string, string>) =>
    announce([{ appId: "a" }], { prefix, by: "the test", environment });
  await expect(announced({ REDIS_URL: inject("redisUrl") })).rejects.toThrow(NoLogError);
  await announced({ APP_SYNC_REDIS_URL: inject("redisUrl") });
  await announced({ REDIS_URL: inject("redisUrl") });
});

describe.each(["nothing listens", "the server is mute"])("announce of the library, where %s", (what) => {
  it.each(["standalone", "cluster", "sentinel"] as const)(
    "rejects: %s",
    { timeout: 120_000 },
    async (kind) => {
      const mute = what === "the server is mute" ? await startMuteServer() : undefined;
      const server = { host: "127.0.0.1", port: mute?.port ?? (await freePort()) };
      const redis = {
        standalone: { kind, ...server, db: 0, tls: false },
        cluster: { kind, nodes: [server], tls: false },
        sentinel: { kind, sentinels: [server], name: "main", db: 0, tls: false },
      }[kind] as RedisSettings;
      await expect(announce([{ appId: "a" }], { redis, by: "the test", environment: {} })).rejects.toThrow(
        RedisError,
      );
      await eventually("no connection to be left", () => Promise.resolve((mute?.connections() ?? 0) === 0));
      await mute?.close();
    },
  );
});

it("announce of the library sends nothing later that it has said to have failed", async () => {
  const port = await freePort();
  const options = { redis: `redis://127.0.0.1:${port}`, by: "the test", environment: {} };
  await expect(announce([{ appId: "a" }], options)).rejects.toThrow(RedisError);
  const server = await startRedis({ port });
  const redis = new Redis(server.url);
  // It would have been sent within the longest pause between two attempts to connect.
  await expect(announce([{ appId: "b" }], options)).resolves.toMatch(/-1$/);
  expect(await redis.xlen(busNames("{app-sync:apps}").log)).toBe(1);
  redis.disconnect();
  await server.stop();
});

it("announce of the library keeps as much of the log as the pipeline is told to", async () => {
  const redis = new Redis(inject("redisUrl"));
  // Of 100 changes each.
  const messages = 400;
  const changes = Array.from({ length: 100 * messages }, (_, i) => ({ appId: `app-${i}` }));
  const lengthWith = async (environment: Record<string, string>) => {
    const prefix = `{announce:${randomUUID()}}`;
    await announce(changes, { redis: inject("redisUrl"), prefix, by: "the test", environment });
    return redis.xlen(busNames(prefix).log);
  };
  expect(await lengthWith({})).toBe(messages);
  // Redis trims whole nodes of its list, of 100 entries each.
  expect(await lengthWith({ APP_SYNC_LOG_LENGTH: "100" })).toBeLessThanOrEqual(200);
  await redis.quit();
  await expect(lengthWith({ APP_SYNC_LOG_BYTES: "1" })).rejects.toThrow(/APP_SYNC_LOG_BYTES/);
});
