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
  return cluster;
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
