import { spawnSync } from "node:child_process";
import { describe, expect, inject, it } from "vitest";
import { startRedis } from "../../local/redis-server.ts";
import { accepts, eventually, item, outcomeOfConnecting, root, startFleet } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { startTlsRedis } from "../support/tls-redis.ts";

const keep = keeping();

const dynamodbEndpoint = inject("dynamodbEndpoint");
const leaseOf = (node: { metrics(): Promise<Record<string, number>> }) => async () =>
  (await node.metrics()).lease_held === 1;

/** Characters that a URL must escape, and that a shell or a pattern would take for its own. */
const PASSWORD = "p@ss:w/rd?#%$&+ x";

describe("a Redis with users", () => {
  const acl = ["--user", "sync", "on", `>${PASSWORD}`, "~*", "&*", "+@all", "--user", "default", "off"];

  it("takes user and password from a URL, on both sides", async () => {
    const redis = keep(await startRedis({ args: acl }));
    const redisUrl = `redis://sync:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}`;
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl }));
    const node = await fleet.node();
    await eventually("the lease", leaseOf(node));
    await fleet.table.put(item("a"));
    await eventually("a change", async () => (await node.metrics()).changes_total === 1);
    expect(node.child.output()).not.toContain(PASSWORD);
  });

  it("takes them from soketi's own settings", async () => {
    const redis = keep(await startRedis({ args: acl }));
    const redisUrl = `redis://sync:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}`;
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl }));
    const node = await fleet.node({
      redisUrl: "",
      env: {
        SOKETI_DB_REDIS_HOST: "127.0.0.1",
        SOKETI_DB_REDIS_PORT: String(redis.port),
        SOKETI_DB_REDIS_USERNAME: "sync",
        SOKETI_DB_REDIS_PASSWORD: PASSWORD,
        SOKETI_DB_REDIS_KEY_PREFIX: "ignored:",
      },
    });
    await eventually("the lease", leaseOf(node));
    await fleet.table.put(item("a"));
    await eventually("a change", async () => (await node.metrics()).changes_total === 1);
  });

  it("with a wrong password leaves soketi running without a lease, and says so without the password", async () => {
    const redis = keep(await startRedis({ args: acl }));
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl: inject("redisUrl") }));
    const node = await fleet.node({ redisUrl: `redis://sync:wr0ng-p4ss@127.0.0.1:${redis.port}` });
    await fleet.table.put(item("a"));
    await eventually("the refusal in the log", () =>
      Promise.resolve(node.child.output().includes("WRONGPASS")),
    );
    expect(await outcomeOfConnecting(node, "a-key")).toBe("connected");
    expect(await accepts(node, "a", "a-secret")).toBe(true);
    expect((await node.metrics()).lease_held).toBe(0);
    expect(node.child.output()).not.toContain("wr0ng-p4ss");
  });
});

describe("a Redis with TLS", () => {
  /** The pipeline's own connection, in a process of its own: Node reads NODE_EXTRA_CA_CERTS at its start. */
  function flush(redisUrl: string, prefix: string, env: Record<string, string> = {}) {
    const { status, stderr } = spawnSync(process.execPath, ["dist/cli.mjs", "flush"], {
      cwd: root,
      env: { PATH: process.env.PATH, REDIS_URL: redisUrl, APP_SYNC_PREFIX: prefix, ...env },
      encoding: "utf8",
    });
    return { status, stderr };
  }

  it("is reached by rediss:// from both sides", async () => {
    const { plainUrl, tlsUrl, cert } = keep(await startTlsRedis());
    const trust = { NODE_EXTRA_CA_CERTS: cert };
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl: plainUrl }));
    const node = await fleet.node({ redisUrl: tlsUrl, env: trust });
    await eventually("the lease", leaseOf(node));
    expect(flush(tlsUrl, fleet.prefix, trust)).toEqual({ status: 0, stderr: "" });
    await eventually(
      "the flush",
      async () => (await node.metrics())['flushes_total{reason="requested"}'] === 1,
    );
  });

  it("is refused when its certificate is not trusted", async () => {
    const { tlsUrl } = keep(await startTlsRedis());
    const { status, stderr } = flush(tlsUrl, "{t}");
    expect(status).toBe(1);
    expect(stderr).toMatch(/^soketi-app-sync: Could not connect: Redis at /);
  });
});
