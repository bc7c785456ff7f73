import type { EnvReader } from "./env.ts";
import { parseRedisUrl } from "./redis-url.ts";

interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

interface RedisCommon {
  readonly username?: string | undefined;
  /** Never logged. */
  readonly password?: string | undefined;
  readonly tls: boolean;
}

/** Where Redis is, in whichever of its three forms. */
export type RedisSettings =
  | (RedisCommon & HostAndPort & { readonly kind: "standalone"; readonly db: number })
  | (RedisCommon & { readonly kind: "cluster"; readonly nodes: readonly HostAndPort[] })
  | (RedisCommon & {
      readonly kind: "sentinel";
      readonly sentinels: readonly HostAndPort[];
      /** The name that the sentinels know the master by. */
      readonly name: string;
      readonly db: number;
      readonly sentinelPassword?: string | undefined;
    });

/**
 * `REDIS_URL`, or `REDIS_CLUSTER_NODES`, or `REDIS_SENTINELS` with `REDIS_SENTINEL_NAME`; `REDIS_USERNAME`,
 * `REDIS_PASSWORD` and `REDIS_TLS` go with the latter two. Undefined, without a mistake, when none is set.
 */
export function readRedis(env: EnvReader): RedisSettings | undefined {
  const given = ["REDIS_URL", "REDIS_CLUSTER_NODES", "REDIS_SENTINELS"].filter((name) => env.text(name));
  if (given.length > 1) {
    env.mistakes.push(`${given.join(", ")}: expected one of them, found ${given.length}. Remove the others.`);
  }
  const common = {
    username: env.text("REDIS_USERNAME"),
    password: env.text("REDIS_PASSWORD"),
    tls: env.flag("REDIS_TLS", false),
  };
  switch (given[0]) {
    case "REDIS_URL":
      return readUrl(env, env.text("REDIS_URL") ?? "", common);
    case "REDIS_CLUSTER_NODES":
      return { kind: "cluster", nodes: env.hostList("REDIS_CLUSTER_NODES", 6379), ...common };
    case "REDIS_SENTINELS":
      return readSentinels(env, common);
    default:
      return undefined;
  }
}

function readSentinels(env: EnvReader, common: RedisCommon): RedisSettings {
  const name = env.text("REDIS_SENTINEL_NAME")?.trim() ?? "";
  if (name === "") {
    env.mistakes.push(
      "REDIS_SENTINEL_NAME: expected the master's name beside REDIS_SENTINELS, found nothing.",
    );
  }
  return {
    kind: "sentinel",
    sentinels: env.hostList("REDIS_SENTINELS", 26379),
    name,
    db: env.integer("REDIS_DB", { min: 0, max: 1_000_000, default: 0 }),
    sentinelPassword: env.text("REDIS_SENTINEL_PASSWORD"),
    ...common,
  };
}

function readUrl(env: EnvReader, text: string, common: RedisCommon): RedisSettings | undefined {
  const url = parseRedisUrl(text);
  if ("found" in url) {
    env.mistakes.push(
      `REDIS_URL: expected redis://[user:password@]host[:port][/db], or rediss://… for TLS, found ${url.found}`,
    );
    return undefined;
  }
  const { username = common.username, password = common.password } = url;
  return { ...url, kind: "standalone", username, password, tls: url.tls || common.tls };
}
