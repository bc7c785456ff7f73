import type { RedisSettings } from "../config/redis.ts";

/**
 * soketi's own Redis settings (`SOKETI_DB_REDIS_*`, in ioredis' terms) as ours. Its key prefix is left out on purpose:
 * the pipeline, which does not know it, must find the same names.
 */
export function fromSoketi(redis: Readonly<Record<string, unknown>>): RedisSettings {
  const common = {
    ...(text(redis.username) === undefined ? {} : { username: text(redis.username) as string }),
    ...(text(redis.password) === undefined ? {} : { password: text(redis.password) as string }),
    tls: Boolean(redis.tls),
  };
  const db = Number(redis.db ?? 0);
  const clusterNodes = hosts(redis.clusterNodes, 6379);
  if (clusterNodes.length > 0) return { kind: "cluster", nodes: clusterNodes, ...common };
  const sentinels = hosts(redis.sentinels, 26379);
  if (sentinels.length > 0) {
    const sentinelPassword = text(redis.sentinelPassword);
    const name = text(redis.name) ?? "mymaster";
    return {
      kind: "sentinel",
      sentinels,
      name,
      db,
      ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
      ...common,
    };
  }
  return {
    kind: "standalone",
    host: text(redis.host) ?? "127.0.0.1",
    port: Number(redis.port ?? 6379),
    db,
    ...common,
  };
}

/** soketi parses its variables as JSON, so a numeric password arrives as a number. */
function text(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function hosts(value: unknown, defaultPort: number): { host: string; port: number }[] {
  if (!Array.isArray(value)) return [];
  return (value as { host?: unknown; port?: unknown }[]).map((node) => ({
    host: text(node.host) ?? "127.0.0.1",
    port: Number(node.port ?? defaultPort),
  }));
}
