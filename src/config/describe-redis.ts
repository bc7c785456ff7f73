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
  readonly isBare?: boolean | undefined;
}

const NOT_SHOWN = "(not shown: it may hold a password)";

/**
 * An IP address, a name with a dot, or one without capitals. soketi takes any text as a host, a URL with a password too, and
 * whoever mixes up the parts of a URL puts a password there.
 */
const ADDRESS =
  /^(?:[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+\.?|[\p{Ll}\p{Lo}\p{N}_-]+|[0-9a-f.]*:[0-9a-f:.]*(?:%[\w.-]+)?)$/u;

function addressOf({ host, port, isBare }: Address): string {
  if (isBare || !ADDRESS.test(host)) return `a host ${NOT_SHOWN}`;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
