import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { redisCli, untilTrue } from "../../local/redis-cli.ts";
import { type RedisCluster, startRedisCluster } from "../../local/redis-cluster.ts";
import { clusterOptions } from "../../src/redis/client-options.ts";
import { openCluster } from "../../src/redis/cluster.ts";
import { reconnect } from "../../src/redis/connection.ts";
import type { ClusterOptions, NodeAddress, RedisLibrary } from "../../src/redis/library.ts";
import { eventually } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { REDIS_LIBRARIES } from "../support/redis-libraries.ts";

const keep = keeping();
const KEY = "{cluster}:key";
const TIMEOUTS = { connectMs: 1_000, commandMs: 1_000, retriesPerCommand: 0 };

let setup: RedisCluster;
let nodes: NodeAddress[];

beforeAll(async () => {
  setup = await startRedisCluster();
  nodes = setup.nodes.map((one) => ({ host: "127.0.0.1", port: Number(one.split(":")[1]) }));
  return () => setup.stop();
});

function open(library: RedisLibrary, options: Partial<ClusterOptions> = {}, given = nodes) {
  const settings = { kind: "cluster", nodes: given, tls: false } as const;
  const cluster = openCluster(library, given, { ...clusterOptions(settings, TIMEOUTS), ...options });
  cluster.on("error", () => undefined);
  keep({
    stop: () => {
      cluster.disconnect();
      return Promise.resolve();
    },
  });
  return cluster;
}

/** The slot's replica takes over, by the masters' votes, with nobody killed. */
async function moveSlot(): Promise<void> {
  const owner = await setup.ownerOf(KEY);
  const lines = (await redisCli(owner.port, "CLUSTER", "NODES")).split("\n");
  const id = lines.find((line) => line.includes("myself"))?.split(" ")[0] ?? "";
  const replica = /:(\d+)@/.exec(lines.find((line) => line.includes(`slave ${id}`)) ?? "")?.[1];
  await redisCli(Number(replica), "CLUSTER", "FAILOVER");
  await untilTrue(
    "the replica to take over",
    async () => (await setup.ownerOf(KEY)).port === Number(replica),
  );
  await untilTrue("the former owner to know", async () =>
    (await redisCli(owner.port, "EXISTS", KEY)).startsWith("MOVED"),
  );
}

/** Connections to these nodes do not end when the client ends its side: it has to give them up, after a while. */
async function lingering(which: readonly NodeAddress[]): Promise<Record<string, NodeAddress>> {
  const entries = which.map(async ({ host, port }) => {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect(port, host);
      for (const socket of [client, upstream]) sockets.add(socket.on("error", () => undefined));
      client.on("data", (chunk) => upstream.write(chunk));
      upstream.on("data", (chunk) => client.write(chunk));
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    keep({
      async stop() {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    });
    return [`${host}:${port}`, { host, port: (server.address() as AddressInfo).port }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

const untilReady = (cluster: ReturnType<typeof open>) =>
  eventually("it to be there again", () => Promise.resolve(cluster.status === "ready"));

describe.each(REDIS_LIBRARIES)("a connection to a cluster, by %s", (_, library) => {
  it("comes back when a slot turns out to have moved while it is being made anew", async () => {
    const owner = await setup.ownerOf(KEY);
    const natMap = await lingering(nodes.filter(({ port }) => port !== owner.port));
    const cluster = open(library, { natMap });
    expect(await cluster.exists(KEY)).toBe(0);
    await Promise.all(cluster.nodes("all").map((node) => node.ping()));
    await moveSlot();
    // Its answer, a MOVED, is under way when the connections end; the others end later.
    const asked = cluster.exists(KEY).catch(() => undefined);
    reconnect(cluster);
    await untilReady(cluster);
    await asked;
    await eventually("an answer", async () => (await cluster.exists(KEY).catch(() => undefined)) === 0);
  });

  it("comes back when a former connection ends while names are looked up", async () => {
    const [slow, ...others] = nodes;
    if (!slow) throw new Error("expected a node, found none");
    const natMap = await lingering([slow]);
    const held: (() => void)[] = [];
    let isHeld = false;
    const cluster = open(
      library,
      {
        natMap,
        dnsLookup: (__, done) => {
          const answer = () => done(null, "127.0.0.1");
          if (isHeld) held.push(answer);
          else answer();
        },
      },
      others.map(({ port }) => ({ host: "localhost", port })),
    );
    expect(await cluster.exists(KEY)).toBe(0);
    const former = new Set<unknown>(cluster.nodes("all"));
    await Promise.all(cluster.nodes("all").map((node) => node.ping()));
    // ioredis' own event, of which our types know nothing.
    (cluster.on as (event: string, listener: (node: unknown) => void) => unknown)("-node", (node) => {
      former.delete(node);
      // The last of them ends while the next attempt waits for names.
      if (former.size > 0) return;
      isHeld = false;
      for (const answer of held) answer();
    });
    isHeld = true;
    reconnect(cluster);
    await untilReady(cluster);
    expect(held.length).toBeGreaterThan(0);
    expect(await cluster.exists(KEY)).toBe(0);
  });
});
