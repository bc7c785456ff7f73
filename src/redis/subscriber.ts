import { allNodes } from "./cluster.ts";
import { type ConnectionOptions, openClient } from "./connection.ts";
import type { RedisClient, RedisConnection } from "./library.ts";

/**
 * A connection for subscribing: it ends when it is lost, for the caller to open another. In a cluster it is a plain
 * connection to one of the nodes, since each node gets what is published on any. Sentinels are asked in another order each time:
 * one that has not learnt of a failover would be believed again and again.
 *
 * @param commands the connection for commands, which knows the nodes that a cluster has now.
 * @param attempt which of the nodes, or of the sentinels first: each attempt takes the next.
 */
export function openSubscriber(
  options: ConnectionOptions,
  commands: RedisConnection,
  attempt: number,
): RedisClient {
  const once = { retryStrategy: () => null };
  const { settings } = options;
  if (settings.kind === "standalone") return openClient(options, settings, once);
  if (settings.kind === "sentinel") {
    const sentinels = rotated(settings.sentinels, attempt);
    return openClient(options, { ...settings, sentinels }, once);
  }
  const nodes = "nodes" in commands ? allNodes(settings.nodes, commands) : settings.nodes;
  const { host, port } = nodes[attempt % nodes.length] ?? { host: "127.0.0.1", port: 6379 };
  return openClient(options, { ...settings, kind: "standalone", host, port, db: 0 }, once);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
