import type { ClusterOptions, NodeAddress, RedisCluster, RedisLibrary } from "./library.ts";

/**
 * Opens a connection to a cluster that outlives the nodes which it was given. ioredis looks for a lost cluster at those
 * alone, of which a user may name one. Those that the cluster named since are asked as well, or that one's end would be
 * ours.
 */
export function openCluster(
  library: RedisLibrary,
  given: readonly NodeAddress[],
  options: ClusterOptions,
): RedisCluster {
  let known = uniqueNodes(given);
  const cluster = new library.Cluster(known, {
    ...options,
    clusterRetryStrategy(this: { startupNodes: NodeAddress[] }, attempt) {
      // Its documented place for this; the types leave it out.
      this.startupNodes = known;
      return options.clusterRetryStrategy(attempt);
    },
  });
  cluster.on("refresh", () => {
    known = allNodes(given, cluster);
  });
  endInTime(cluster);
  keepTrying(cluster);
  return cluster;
}

/**
 * ioredis has ended its connections, and is to make them anew, when the last one is gone. A `MOVED` that was under way adds one
 * meanwhile, which nobody uses and which never ends: it would wait for that for ever, and every command with it.
 */
function endInTime(cluster: RedisCluster): void {
  cluster.on("+node", (node) => {
    if (cluster.status === "disconnecting") node.disconnect();
  });
}

/**
 * A former connection that ends late, while names are looked up for the next attempt, is taken for the end of that attempt,
 * and no other is made.
 */
function keepTrying(cluster: RedisCluster): void {
  let isOver = false;
  cluster.on("end", () => {
    isOver = true;
  });
  cluster.on("close", () => {
    // It goes on by itself in the same moment, or never.
    setImmediate(() => {
      if (!isOver && cluster.status === "close") cluster.connect().catch(() => undefined);
    });
  });
}

/** The nodes that were given, and those that the cluster knows now: none between two attempts to find it. */
export function allNodes(given: readonly NodeAddress[], cluster: RedisCluster): NodeAddress[] {
  return uniqueNodes([...given, ...nodesOf(cluster)]);
}

function nodesOf(cluster: RedisCluster): NodeAddress[] {
  return cluster
    .nodes("all")
    .map(({ options }) => ({ host: options.host ?? "127.0.0.1", port: options.port ?? 6379 }));
}

function uniqueNodes(nodes: readonly NodeAddress[]): NodeAddress[] {
  const unique = new Map(nodes.map(({ host, port }) => [`${host} ${port}`, { host, port }]));
  return [...unique.values()];
}
