import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { redisCli, untilTrue } from "./redis-cli.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

/** Three masters with a replica each. */
export interface RedisCluster {
  /** host:port of each node. */
  readonly nodes: readonly string[];
  /** The master that has the slot of a key. */
  ownerOf(key: string): Promise<RedisServer>;
  /**
   * Kills the master that has the slot of a key, or freezes it with SIGSTOP, and waits until its replica has the slot
   * and every other node says that the cluster is whole.
   *
   * @returns the former master; a frozen one wakes by SIGCONT.
   */
  failover(slotOwnerOf: string, by?: "SIGKILL" | "SIGSTOP"): Promise<RedisServer>;
  stop(): Promise<void>;
}

const MASTERS = 3;
const NODE_TIMEOUT_MS = 1_000;

const run = promisify(execFile);

export async function startRedisCluster(): Promise<RedisCluster> {
  const servers = await Promise.all(Array.from({ length: 2 * MASTERS }, startNode));
  await create(servers);
  const down = new Set<RedisServer>();
  const alive = () => servers.filter((server) => !down.has(server));
  await untilTrue("every node to see a whole cluster", () => allOf(servers, isWhole));

  async function ownerOf(key: string): Promise<RedisServer> {
    const [any] = alive();
    if (!any) throw new Error("expected a node that is up, found none");
    const slot = Number(await redisCli(any.port, "CLUSTER", "KEYSLOT", key));
    const port = ownerOfSlot(await redisCli(any.port, "CLUSTER", "NODES"), slot);
    const owner = alive().find((server) => server.port === port);
    if (!owner)
      throw new Error(`expected a node that is up to own slot ${slot}, found port ${port ?? "none"}`);
    return owner;
  }

  return {
    nodes: servers.map(({ port }) => `127.0.0.1:${port}`),
    ownerOf,
    async failover(slotOwnerOf, by = "SIGKILL") {
      const former = await ownerOf(slotOwnerOf);
      down.add(former);
      former.child.signal(by);
      await untilTrue("a replica to take over", async () => {
        // While the former master is not yet failed, it is the owner, and not among those that are up.
        await ownerOf(slotOwnerOf);
        return allOf(alive(), saysOk);
      });
      return former;
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function startNode(): Promise<RedisServer & { readonly busPort: number }> {
  // By default the cluster's own port is 10,000 higher, which for a free port is often past the last one.
  const busPort = await freePort();
  const args = {
    "cluster-enabled": "yes",
    "cluster-port": `${busPort}`,
    "cluster-node-timeout": `${NODE_TIMEOUT_MS}`,
    "repl-diskless-sync-delay": "0",
  };
  const server = await startRedis({
    args: Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]),
  });
  return { ...server, busPort };
}

async function create(servers: readonly { port: number; busPort: number }[]): Promise<void> {
  const nodes = servers.map(({ port, busPort }) => `127.0.0.1:${port}@${busPort}`);
  const options = ["--cluster-replicas", "1", "--cluster-yes"];
  await run("redis-cli", ["--cluster", "create", ...nodes, ...options], { timeout: 60_000 });
}

async function allOf(
  servers: readonly RedisServer[],
  condition: (server: RedisServer) => Promise<boolean>,
): Promise<boolean> {
  return (await Promise.all(servers.map(condition))).every(Boolean);
}

async function saysOk({ port }: RedisServer): Promise<boolean> {
  return (await redisCli(port, "CLUSTER", "INFO")).includes("cluster_state:ok");
}

/** It says ok, knows everybody, and replication runs: only then may a master be killed. */
async function isWhole(server: RedisServer): Promise<boolean> {
  const replication = await redisCli(server.port, "INFO", "replication");
  const replicates = /connected_slaves:[1-9]|master_link_status:up/.test(replication);
  const known = (await redisCli(server.port, "CLUSTER", "INFO")).includes(`known_nodes:${2 * MASTERS}`);
  return replicates && known && saysOk(server);
}

/** From `CLUSTER NODES`: `<id> <host>:<port>@<bus> <flags> <master> <ping> <pong> <epoch> <link> <slots>…`. */
function ownerOfSlot(nodes: string, slot: number): number | undefined {
  for (const line of nodes.trim().split("\n")) {
    const [, address = "", flags = "", , , , , , ...ranges] = line.trim().split(" ");
    const owns = ranges.some((range) => {
      const [from, to = from] = range.split("-").map(Number);
      return slot >= (from ?? Infinity) && slot <= (to ?? -1);
    });
    if (owns && !flags.includes("fail")) return Number(/:(\d+)@/.exec(address)?.[1]);
  }
  return undefined;
}
