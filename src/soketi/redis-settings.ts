import type { NatMap, RedisSettings } from "../config/redis.ts";
import { asOptions, isSet, notCarried, onlySet, type RedisOptions } from "./carried-options.ts";
import { readNodes, type RedisNode } from "./redis-nodes.ts";

/** soketi's Redis settings as ours. */
export interface SoketiRedis {
  readonly settings: RedisSettings;
  /** Names of options that an operator set and that the agent's connection does not have. */
  readonly notCarried: readonly string[];
}

/** soketi's own Redis settings (`SOKETI_DB_REDIS_*`, or `database.redis` of its configuration), in ioredis' terms. */
export function fromSoketi(redis: RedisOptions): SoketiRedis {
  const nodes = readNodes(redis.clusterNodes, 6379);
  const sentinels = readNodes(redis.sentinels, 26379);
  // Of a cluster's options ioredis takes those of its connections from in here.
  const ofConnections = nodes.length > 0 ? onlySet(asOptions(redis.redisOptions) ?? {}) : {};
  const options = { ...redis, ...ofConnections };
  const missing = notCarried(options);
  if (nodes.length > 0)
    return { settings: clusterSettings(options, ofConnections, nodes), notCarried: missing };
  if (sentinels.length > 0) return { settings: sentinelSettings(options, sentinels), notCarried: missing };
  return { settings: serverSettings(options), notCarried: missing };
}

/** ioredis takes neither login nor TLS from the top level of a cluster's options: they count where nothing else is said. */
function clusterSettings(
  redis: RedisOptions,
  ofConnections: RedisOptions,
  nodes: readonly RedisNode[],
): RedisSettings {
  const [login, tls] = ["password", "tls"].map((name) =>
    [ofConnections, ...nodes.map(({ options }) => options), redis].find((options) => isSet(options[name])),
  );
  return {
    ...common({ ...redis, username: login?.username, password: login?.password, tls: tls?.tls }),
    kind: "cluster",
    nodes: nodes.map(addressOf),
    natMap: natMap(redis.natMap),
  };
}

function sentinelSettings(redis: RedisOptions, sentinels: readonly RedisNode[]): RedisSettings {
  return {
    // Without that option ioredis speaks no TLS to a master that sentinels name, whatever `tls` says.
    ...common({ ...redis, tls: redis.enableTLSForSentinelMode ? redis.tls : undefined }),
    kind: "sentinel",
    sentinels: sentinels.map(addressOf),
    name: text(redis.name) ?? "mymaster",
    db: Number(redis.db ?? 0),
    sentinelUsername: text(redis.sentinelUsername),
    sentinelPassword: text(redis.sentinelPassword),
    sentinelTls: tlsOptions(redis.sentinelTLS),
    natMap: natMap(redis.natMap),
  };
}

function serverSettings(redis: RedisOptions): RedisSettings {
  return {
    ...common(redis),
    kind: "standalone",
    host: text(redis.host) ?? "127.0.0.1",
    port: Number(redis.port ?? 6379),
    path: text(redis.path),
    db: Number(redis.db ?? 0),
  };
}

/** What all three forms have. */
function common(
  redis: RedisOptions,
): Pick<RedisSettings, "username" | "password" | "tls" | "tlsOptions" | "family" | "keepAliveMs"> {
  const tls = tlsOptions(redis.tls);
  return {
    username: text(redis.username),
    password: text(redis.password),
    tls: tls !== undefined,
    tlsOptions: tls,
    family: number(redis.family),
    keepAliveMs: number(redis.keepAlive),
  };
}

function addressOf({ host, port, isBare }: RedisNode): Pick<RedisNode, "host" | "port" | "isBare"> {
  return isBare ? { host, port, isBare } : { host, port };
}

function tlsOptions(value: unknown): object | undefined {
  // ioredis also takes the name of one of its profiles.
  if (typeof value === "string" && value !== "") return { profile: value };
  return value ? (asOptions(value) ?? {}) : undefined;
}

function natMap(value: unknown): NatMap | undefined {
  if (typeof value === "function") return value as NatMap;
  return asOptions(value) as NatMap | undefined;
}

/** soketi parses its variables as JSON, so a numeric password arrives as a number. */
function text(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function number(value: unknown): number | undefined {
  if (!isSet(value)) return undefined;
  // ioredis knows `IPv6` too, from URLs.
  const found = Number(typeof value === "string" ? value.replace(/^IPv/i, "") : value);
  return Number.isFinite(found) ? found : undefined;
}
