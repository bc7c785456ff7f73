import type { RedisSettings } from "./redis.ts";

/**
 * Which Redis that is, for people: addresses and database. Never a user or a password; and not the master's name either,
 * which nobody checks: whoever mixes variables up writes a password there.
 */
export function describeRedis(settings: RedisSettings): string {
  const tls = settings.tls ? " with TLS" : "";
  switch (settings.kind) {
    case "standalone":
      return `${serverOf(settings)}/${settings.db}${tls}`;
    case "sentinel":
      return `the master of sentinels ${listOf(settings.sentinels)}, database ${settings.db}${tls}`;
    case "cluster":
      return `cluster ${listOf(settings.nodes)}${tls}`;
  }
}

function serverOf({ path, ...address }: Extract<RedisSettings, { kind: "standalone" }>): string {
  if (path === undefined) return addressOf(address);
  return path.startsWith("/") && !path.includes("@") ? `unix:${path}` : `a unix socket ${NOT_SHOWN}`;
}

function listOf(servers: readonly Address[]): string {
  return servers.map(addressOf).join(",");
}

interface Address {
  readonly host: string;
  readonly port: number;
}

const NOT_SHOWN = "(not shown: it may hold a password)";

/** soketi takes any text as a host, a URL with a password too, with which it connects to nothing. */
const ADDRESS = /^[\p{L}\p{N}_.:%-]+$/u;

function addressOf({ host, port }: Address): string {
  if (!ADDRESS.test(host)) return `a host ${NOT_SHOWN}`;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
