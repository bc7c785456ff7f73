import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, it } from "vitest";
import { redisCli } from "../../local/redis-cli.ts";
import { startRedisSentinel } from "../../local/redis-sentinel.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { busNames } from "../../src/protocol/names.ts";
import { accepts, eventually, item, startFleet } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { proveWorking } from "../support/prove-working.ts";
import { writeSoketiConfig } from "../support/soketi-config.ts";
import { startTlsRedis } from "../support/tls-redis.ts";

const keep = keeping();
const dynamodbEndpoint = inject("dynamodbEndpoint");

/** The fleet whose log is in the Redis that the node should find. */
const fleetOn = async (redisUrl: string) => keep(await startFleet({ dynamodbEndpoint, redisUrl }));

const said = (node: SoketiNode, what: string | RegExp) =>
  eventually(`the log to say ${String(what)}`, () => {
    const output = node.child.output();
    return Promise.resolve(typeof what === "string" ? output.includes(what) : what.test(output));
  });

it("a REDIS_URL of another program's: no lease, the log that is missed is named, and the app is followed within the bound", async () => {
  const other = keep(await startRedis());
  const fleet = await fleetOn(inject("redisUrl"));
  const url = `redis://:s3cret@127.0.0.1:${other.port}/2`;
  await redisCli(other.port, "CONFIG", "SET", "requirepass", "s3cret");
  const env = { REDIS_URL: url, APP_SYNC_DEGRADED_TTL_MS: "200", APP_SYNC_VERIFY_EVERY_MS: "0" };
  const node = keep(await fleet.node({ redisUrl: "", env }));
  const { log } = busNames(fleet.prefix);
  const named = `127.0.0.1:${other.port}/2 (REDIS_URL)`;
  await said(node, `log "${log}" in Redis ${named}`);
  await said(node, `expected the pipeline's log "${log}" in Redis ${named}, found none`);
  expect((await node.metrics()).lease_held).toBe(0);
  await fleet.table.put(item("a"));
  await eventually("the app", () => accepts(node, "a", "a-secret"));
  await fleet.table.update("a", { AppSecret: { S: "second" } });
  await eventually("the change", () => accepts(node, "a", "second"));
  const { lease_held, messages_total } = await node.metrics();
  expect([lease_held, messages_total]).toEqual([0, 0]);
  expect(node.child.output()).not.toContain("s3cret");
});

it("a REDIS_URL that is the pipeline's: a lease as soon as there is a log", async () => {
  const fleet = await fleetOn(inject("redisUrl"));
  const node = keep(await fleet.node({ redisUrl: "", env: { REDIS_URL: inject("redisUrl") } }));
  await said(node, "found none, so no app is proven fresh");
  await proveWorking(fleet, node, "late-log");
});

it("APP_SYNC_REDIS_URL wins over another program's variables", async () => {
  const fleet = await fleetOn(inject("redisUrl"));
  const foreign = { REDIS_URL: "redis://127.0.0.1:1", REDIS_TLS: "on", REDIS_PASSWORD: "s3cret" };
  const node = keep(await fleet.node({ env: foreign }));
  await said(node, /in Redis 127\.0\.0\.1:\d+\/0 \(APP_SYNC_REDIS_URL\)/);
  await said(node, "REDIS_PASSWORD, REDIS_TLS: ignored, because Redis is taken from APP_SYNC_REDIS_URL.");
  // Before anything was changed, too: nobody else is meant by that variable.
  await eventually("the lease", async () => (await node.metrics()).lease_held === 1);
  await proveWorking(fleet, node, "wins");
  expect(node.child.output()).not.toContain("s3cret");
});

it("a stray REDIS_TLS does not keep the agent off soketi's own Redis", async () => {
  const fleet = await fleetOn(inject("redisUrl"));
  const env = { REDIS_TLS: "perhaps", SOKETI_DB_REDIS_PORT: new URL(inject("redisUrl")).port };
  const node = keep(await fleet.node({ redisUrl: "", env }));
  await said(node, "REDIS_TLS: ignored, because Redis is taken from soketi's own settings.");
  await proveWorking(fleet, node, "stray");
});

it("soketi's TLS options are the agent's: an authority and a name that only they have", async () => {
  const redis = keep(await startTlsRedis("DNS:redis.internal"));
  const fleet = await fleetOn(redis.plainUrl);
  const own = { host: "127.0.0.1", port: redis.tlsPort };
  const withTls = (tls: object) => keep(writeSoketiConfig({ database: { redis: { ...own, tls } } }));
  const { args } = withTls({ ca: redis.certificate, servername: "redis.internal" });
  const node = keep(await fleet.node({ redisUrl: "", args }));
  await said(node, `in Redis 127.0.0.1:${redis.tlsPort}/0 with TLS (soketi's own settings)`);
  await proveWorking(fleet, node, "tls");
  const wrong = withTls({ ca: redis.certificate, servername: "other.internal" });
  await said(
    keep(await fleet.node({ redisUrl: "", args: wrong.args })),
    /does not match certificate's altnames/,
  );
  await said(keep(await fleet.node({ redisUrl: "", args: withTls({}).args })), /self-signed certificate/);
});

it("Redis options of soketi's cache are the agent's, and a cluster is not while soketi is not told to use it", async () => {
  const { port, href } = new URL(inject("redisUrl"));
  const fleet = await fleetOn(href);
  const env = {
    SOKETI_CACHE_DRIVER: "redis",
    SOKETI_CACHE_REDIS_OPTIONS: JSON.stringify({ port: Number(port) }),
    SOKETI_DB_REDIS_PORT: "1",
    SOKETI_DB_REDIS_CLUSTER_NODES: JSON.stringify([{ host: "127.0.0.1", port: 1 }]),
  };
  const node = keep(await fleet.node({ redisUrl: "", env }));
  await said(node, `in Redis 127.0.0.1:${port}/0 (soketi's own settings)`);
  await proveWorking(fleet, node, "part");
});

it("a unix socket of soketi's settings, with its database and user, is the agent's", async () => {
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-socket-"));
  keep({
    stop: () => {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  });
  const path = join(folder, "redis.sock");
  const user = ["--user", "sync", "on", ">s3cret", "~*", "&*", "+@all"];
  const redis = keep(await startRedis({ args: ["--unixsocket", path, ...user] }));
  const fleet = await fleetOn(`${redis.url}/3`);
  const login = { username: "sync", password: "s3cret" };
  const { args } = keep(writeSoketiConfig({ database: { redis: { path, db: 3, port: 1, ...login } } }));
  const node = keep(await fleet.node({ redisUrl: "", args }));
  await said(node, `in Redis unix:${path}/3 (soketi's own settings)`);
  await proveWorking(fleet, node, "socket");
  expect(await redisCli(redis.port, "CLIENT", "LIST")).toMatch(/user=sync/);
});

it("a user of the sentinels in soketi's settings is the agent's", async () => {
  const setup = keep(await startRedisSentinel());
  const sentinels = setup.sentinels.map((address) => ({
    host: "127.0.0.1",
    port: Number(address.split(":")[1]),
  }));
  const fleet = await fleetOn((await setup.master()).url);
  for (const { port } of sentinels) {
    await redisCli(port, "ACL", "SETUSER", "viewer", "on", ">s3cret", "~*", "&*", "+@all");
    await redisCli(port, "ACL", "SETUSER", "default", "off");
  }
  const own = { sentinels, name: setup.name, sentinelUsername: "viewer", sentinelPassword: "s3cret" };
  const { args } = keep(writeSoketiConfig({ database: { redis: own } }));
  const node = keep(await fleet.node({ redisUrl: "", args }));
  await said(node, "in Redis the master of sentinels 127.0.0.1:");
  await proveWorking(fleet, node, "sentinel-user");
});
