import { describe, expect, inject, it } from "vitest";
import { probeSecrets } from "../../local/probe.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { startRedisSentinel } from "../../local/redis-sentinel.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { busNames } from "../../src/protocol/names.ts";
import { accepts, eventually, type Fleet, item, startFleet, WITHOUT_VERIFIER } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

/** P3 of the design, and what a read and a probe may add to it on a busy machine. Milliseconds. */
const BOUND = 5_000 + 1_000;
/** Between two looks at which secret a node takes: what was seen may have lasted that much longer. */
const PROBE_MS = 40;

const keep = keeping();

/** A fleet whose nodes hold a lease and serve app a with its first secret. */
async function fleetOn(redisEnv: Record<string, string>, nodeEnv: Record<string, string> = {}) {
  const fleet = keep(await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisEnv }));
  const env = { ...WITHOUT_VERIFIER, ...nodeEnv };
  const nodes = await Promise.all([fleet.node({ env }), fleet.node({ env })]);
  await fleet.table.put(item("a"));
  for (const node of nodes) {
    await eventually("the lease", async () => (await node.metrics()).lease_held === 1);
    await eventually("app a", () => accepts(node, "a", "a-secret"));
  }
  return { fleet, nodes };
}

/** Rotates the secret during a failover. @returns the longest time that a node accepted the old one. */
async function rotateDuring(
  fleet: Fleet,
  nodes: SoketiNode[],
  failover: () => Promise<void>,
): Promise<number> {
  const probes = nodes.map(({ port }) =>
    probeSecrets({ port, appId: "a", key: "a-key" }, "a-secret", "a-secret-2", PROBE_MS),
  );
  await failover();
  await fleet.table.update("a", { AppSecret: { S: "a-secret-2" } });
  const written = Date.now();
  await Promise.all(probes.map(({ settled }) => settled));
  return PROBE_MS + Math.max(0, ...probes.map(({ seen }) => seen.oldLast - written));
}

/** Once the failover is over, everything is as before: a lease, and changes as messages. */
async function provesWhole(fleet: Fleet, nodes: SoketiNode[]): Promise<void> {
  for (const node of nodes)
    await eventually("the lease to be back", async () => (await node.metrics()).lease_held === 1);
  const changesOf = () => Promise.all(nodes.map(async (node) => (await node.metrics()).changes_total ?? 0));
  const before = await changesOf();
  let secret = "a-secret-2";
  // A change that comes while a node is still on its way to the new server is covered by a flush: the next is a message.
  await eventually("a change as a message on every node", async () => {
    const former = secret;
    secret = `${secret}x`;
    await fleet.table.update("a", { AppSecret: { S: secret } });
    for (const node of nodes) {
      await eventually("the next change", () => accepts(node, "a", secret));
      expect(await accepts(node, "a", former)).toBe(false);
    }
    return (await changesOf()).every((changes, i) => changes > (before[i] ?? 0));
  });
}

describe("Redis Sentinel", () => {
  it.each([
    ["killed", "SIGKILL"],
    ["frozen", "SIGSTOP"],
  ] as const)("the master %s: the fleet moves to the new one", async (how, signal) => {
    const setup = keep(await startRedisSentinel());
    const redisEnv = { REDIS_SENTINELS: setup.sentinels.join(","), REDIS_SENTINEL_NAME: setup.name };
    const { fleet, nodes } = await fleetOn(redisEnv);
    const former = await setup.master();
    const longest = await rotateDuring(fleet, nodes, async () => {
      former.child.signal(signal);
      await Promise.resolve();
    });
    console.log(`Sentinel, master ${how}: an old app was served for ${longest} ms at the longest`);
    expect(longest).toBeLessThan(BOUND);
    await eventually("a new master", async () => (await setup.master()) !== former);
    await provesWhole(fleet, nodes);
    for (const node of nodes) {
      // A live message may tell of the new server before a heartbeat does: by a number that was there before.
      const flushes = Object.entries(await node.metrics()).filter(([, times]) => times > 0);
      const names = flushes.map(([name]) => name).filter((name) => name.startsWith("flushes_total"));
      expect(names.join()).toMatch(/server-changed|sequence-backwards|new-epoch|log-trimmed/);
    }
  });

  it("nodes find it by soketi's own settings", async () => {
    const setup = keep(await startRedisSentinel());
    const list = setup.sentinels.map((one) => ({ host: "127.0.0.1", port: Number(one.split(":")[1]) }));
    const { fleet, nodes } = await fleetOn(
      { REDIS_SENTINELS: setup.sentinels.join(","), REDIS_SENTINEL_NAME: setup.name },
      {
        REDIS_SENTINELS: "",
        REDIS_SENTINEL_NAME: "",
        SOKETI_DB_REDIS_SENTINELS: JSON.stringify(list),
        SOKETI_DB_REDIS_INSTANCE_NAME: setup.name,
        SOKETI_DB_REDIS_KEY_PREFIX: "ignored:",
      },
    );
    await provesWhole(fleet, nodes);
  });
});

describe("Redis Cluster", () => {
  it.each([
    ["killed", "SIGKILL"],
    ["frozen", "SIGSTOP"],
  ] as const)("the log's master %s: its replica takes over", async (how, signal) => {
    const setup = keep(await startRedisCluster());
    const { fleet, nodes } = await fleetOn({ REDIS_CLUSTER_NODES: setup.nodes.join(",") });
    const longest = await rotateDuring(fleet, nodes, async () => {
      (await setup.ownerOf(busNames(fleet.prefix).log)).child.signal(signal);
    });
    console.log(`Cluster, the log's master ${how}: an old app was served for ${longest} ms at the longest`);
    expect(longest).toBeLessThan(BOUND);
    await provesWhole(fleet, nodes);
  });

  it("nodes find it by soketi's own settings", async () => {
    const setup = keep(await startRedisCluster());
    const list = setup.nodes.map((one) => ({ host: "127.0.0.1", port: Number(one.split(":")[1]) }));
    const { fleet, nodes } = await fleetOn(
      { REDIS_CLUSTER_NODES: setup.nodes.join(",") },
      { REDIS_CLUSTER_NODES: "", SOKETI_DB_REDIS_CLUSTER_NODES: JSON.stringify(list) },
    );
    await provesWhole(fleet, nodes);
  });
});
