import { describe, expect, inject, it } from "vitest";
import { probeSecrets } from "../../local/probe.ts";
import { redisCli } from "../../local/redis-cli.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { type RedisSentinel, startRedisSentinel } from "../../local/redis-sentinel.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { busNames } from "../../src/protocol/names.ts";
import { accepts, eventually, type Fleet, item, startFleet, WITHOUT_VERIFIER } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

/** P3 of the design, and what a read and a probe may add to it on a busy machine. Milliseconds. */
const BOUND = 5_000 + 1_000;
/** Between two looks at which secret a node takes: what was seen may have lasted that much longer. */
const PROBE_MS = 40;
/** A live message may tell of the new server before a heartbeat does: by a number that was there before. */
const FLUSHES = ["server-changed", "sequence-backwards", "new-epoch", "log-trimmed"].map(
  (reason) => `flushes_total{reason="${reason}"}`,
);

const keep = keeping();

const startFleetOn = async (redisEnv: Record<string, string>) =>
  keep(await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisEnv }));

/** Two nodes that hold a lease and serve app a with its first secret. */
async function startNodes(fleet: Fleet, env: Record<string, string> = {}): Promise<SoketiNode[]> {
  const options = { env: { ...WITHOUT_VERIFIER, ...env } };
  const nodes = await Promise.all([fleet.node(options), fleet.node(options)]);
  await fleet.table.put(item("a"));
  for (const node of nodes) await eventually("app a", () => accepts(node, "a", "a-secret"));
  await follow(nodes);
  return nodes;
}

const follow = (nodes: SoketiNode[]) =>
  Promise.all(
    nodes.map(async (node, i) => {
      try {
        await eventually(`node ${i + 1} to hold a lease and follow`, async () => {
          const { lease_held, following } = await node.metrics();
          return lease_held === 1 && following === 1;
        });
      } catch (error) {
        // Why it does not is in its log alone.
        throw new Error(node.child.output().slice(-4_000), { cause: error });
      }
    }),
  );

/** Rotates the secret of app a, says the longest time that a node accepted the old one, and holds it to the bound. */
async function rotate(what: string, fleet: Fleet, nodes: SoketiNode[], from: string, to: string) {
  const probes = nodes.map(({ port }) =>
    probeSecrets({ port, appId: "a", key: "a-key" }, from, to, PROBE_MS),
  );
  await fleet.table.update("a", { AppSecret: { S: to } });
  const written = Date.now();
  await Promise.all(probes.map(({ settled }) => settled));
  const longest = PROBE_MS + Math.max(0, ...probes.map(({ seen }) => seen.oldLast - written));
  console.log(`${what}: an old app was served for ${longest} ms at the longest`);
  expect(longest).toBeLessThan(BOUND);
}

/**
 * A lease and live messages can outlast the failover: with a frozen master it is the next answer to a heartbeat that
 * tells of the new one, and of the flush.
 */
async function expectFlush(nodes: SoketiNode[]): Promise<void> {
  for (const [i, node] of nodes.entries())
    await eventually(`node ${i + 1} to flush for the new server`, async () => {
      const metrics = await node.metrics();
      return FLUSHES.some((name) => (metrics[name] ?? 0) >= 1);
    });
}

describe("Redis Sentinel", () => {
  const envOf = ({ sentinels, name }: RedisSentinel) => ({
    REDIS_SENTINELS: sentinels.join(","),
    REDIS_SENTINEL_NAME: name,
  });

  it("a host frozen with the master and the first sentinel on it: the next sentinel is asked", async () => {
    const setup = keep(await startRedisSentinel());
    const fleet = await startFleetOn(envOf(setup));
    const nodes = await startNodes(fleet);
    const former = await setup.master();
    setup.watchers[0]?.signal("SIGSTOP");
    former.child.signal("SIGSTOP");
    await rotate("Sentinel, host frozen", fleet, nodes, "a-secret", "a-secret-2");
    await follow(nodes);
    await expectFlush(nodes);
  });

  it("a master that wakes after the failover is not followed again", async () => {
    const setup = keep(await startRedisSentinel());
    const fleet = await startFleetOn(envOf(setup));
    const nodes = await startNodes(fleet);
    const former = await setup.failover("SIGSTOP");
    await rotate("Sentinel, after the failover", fleet, nodes, "a-secret", "a-secret-2");
    await follow(nodes);
    former.child.signal("SIGCONT");
    await rotate("Sentinel, former master awake", fleet, nodes, "a-secret-2", "a-secret-3");
    await eventually("the former master to be a replica", async () =>
      (await redisCli(former.port, "ROLE")).startsWith("slave"),
    );
    await rotate("Sentinel, former master a replica", fleet, nodes, "a-secret-3", "a-secret-4");
    await follow(nodes);
    await expectFlush(nodes);
  });
});

describe("Redis Cluster", () => {
  it.each(["SIGKILL", "SIGSTOP"] as const)(
    "the only node that is configured is lost (%s): the others are found",
    async (signal) => {
      const setup = keep(await startRedisCluster());
      const fleet = await startFleetOn({ REDIS_CLUSTER_NODES: setup.nodes.join(",") });
      const { log } = busNames(fleet.prefix);
      const only = await setup.ownerOf(log);
      const nodes = await startNodes(fleet, { REDIS_CLUSTER_NODES: `127.0.0.1:${only.port}` });
      await setup.failover(log, signal);
      await rotate(`Cluster, only configured node lost, ${signal}`, fleet, nodes, "a-secret", "a-secret-2");
      await follow(nodes);
      await expectFlush(nodes);
    },
  );

  it("a master that wakes after the failover is not followed again", async () => {
    const setup = keep(await startRedisCluster());
    const fleet = await startFleetOn({ REDIS_CLUSTER_NODES: setup.nodes.join(",") });
    const nodes = await startNodes(fleet);
    const former = await setup.failover(busNames(fleet.prefix).log, "SIGSTOP");
    await rotate("Cluster, after the failover", fleet, nodes, "a-secret", "a-secret-2");
    await follow(nodes);
    former.child.signal("SIGCONT");
    await rotate("Cluster, former master awake", fleet, nodes, "a-secret-2", "a-secret-3");
    await follow(nodes);
    await expectFlush(nodes);
  });
});
