import { startRedis } from "../../../local/redis-server.ts";
import { startProxy, type TcpProxy } from "../../../local/tcp-proxy.ts";
import { startQueue } from "../webhooks/queues.ts";

/** Drivers of soketi's, each in one of the nodes at least. */
export interface NodeKind {
  readonly queue: "sync" | "redis" | "sqs";
  readonly adapter: "local" | "cluster" | "redis";
  readonly rateLimiter: "local" | "cluster" | "redis";
  /** Of what soketi keeps besides. */
  readonly cache: "memory" | "redis";
}

export const NODE_KINDS: readonly NodeKind[] = [
  { queue: "sync", adapter: "local", rateLimiter: "local", cache: "memory" },
  { queue: "redis", adapter: "redis", rateLimiter: "redis", cache: "redis" },
  { queue: "sqs", adapter: "cluster", rateLimiter: "cluster", cache: "memory" },
];

export function nameOf({ queue, adapter, rateLimiter }: NodeKind): string {
  return `${queue}, ${adapter}, ${rateLimiter}`;
}

/** What a node of this kind needs besides DynamoDB and the log. */
export interface NodeParts {
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[] | undefined;
  /** The way to soketi's own Redis, where it uses one. */
  readonly link: TcpProxy | undefined;
  stop(): Promise<void>;
}

export async function startParts(kind: NodeKind): Promise<NodeParts> {
  const drivers = {
    SOKETI_QUEUE_DRIVER: kind.queue,
    SOKETI_ADAPTER_DRIVER: kind.adapter,
    SOKETI_RATE_LIMITER_DRIVER: kind.rateLimiter,
    SOKETI_CACHE_DRIVER: kind.cache,
    // Nodes of other runs are not looked for.
    SOKETI_CLUSTER_UNICAST_ADDRESSES: "127.0.0.1",
  };
  if (kind.queue === "sqs") {
    const sqs = await startQueue("sqs");
    return { env: { ...drivers, ...sqs.env }, args: sqs.args, link: undefined, stop: () => sqs.stop() };
  }
  if (!Object.values(kind).includes("redis"))
    return { env: drivers, args: undefined, link: undefined, stop: () => Promise.resolve() };
  const redis = await startRedis();
  const link = await startProxy({ host: "127.0.0.1", port: redis.port });
  return {
    env: { ...drivers, SOKETI_DB_REDIS_HOST: "127.0.0.1", SOKETI_DB_REDIS_PORT: `${link.port}` },
    args: undefined,
    link,
    async stop() {
      await link.close();
      await redis.stop();
    },
  };
}
