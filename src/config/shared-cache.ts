import type { SharedCacheMode } from "../pipeline/ports.ts";
import type { BusNames } from "../protocol/names.ts";
import { type EnvReader, shown } from "./env.ts";

/** The app caches in Redis that servers share. At least one of the two is there. */
export interface SharedCacheConfig {
  readonly mode: SharedCacheMode;
  /** soketi's own, for fleets on `SOKETI_CACHE_DRIVER=redis`. */
  readonly soketi?: SoketiCacheConfig | undefined;
  /** sockudo's, for fleets that have their apps from there alone. Never with `evict`. */
  readonly sockudo?: SockudoCacheConfig | undefined;
}

interface SoketiCacheConfig {
  /** soketi's `DB_REDIS_KEY_PREFIX`, before every key. Default none. */
  readonly keyPrefix: string;
  /** soketi's `APP_MANAGER_CACHE_TTL`, in seconds. 0 or less: for ever. Default -1. */
  readonly ttlSeconds: number;
}

interface SockudoCacheConfig {
  /** sockudo's `cache.redis.prefix`, before every key, without the colon that follows it. Default sockudo's own. */
  readonly prefix: string;
}

/** `CacheConfig::default()` of sockudo 5.2.0 (crates/sockudo-core/src/options/cache.rs). With the colon after it, that is two. */
const SOCKUDO_PREFIX = "sockudo_cache:";

/** `SHARED_CACHE`, its formats, and soketi's own variables, with or without its prefix, for where its entries are. */
export function readSharedCache(env: EnvReader): SharedCacheConfig | undefined {
  const mode = env.choice("SHARED_CACHE", ["off", "evict", "refresh"]);
  const servers = readFormats(env);
  const ttlSeconds = env.integer(["APP_MANAGER_CACHE_TTL", "SOKETI_APP_MANAGER_CACHE_TTL"], {
    min: -1,
    max: 31_536_000,
    default: -1,
  });
  const keyPrefix = env.text("DB_REDIS_KEY_PREFIX", "SOKETI_DB_REDIS_KEY_PREFIX") ?? "";
  const prefix = env.text("SOCKUDO_CACHE_PREFIX") ?? SOCKUDO_PREFIX;
  if (mode === "off") return undefined;
  if (servers.has("sockudo") && mode === "evict") {
    env.mistakes.push(
      "SHARED_CACHE: expected refresh with SHARED_CACHE_FORMAT=sockudo, since an app that is not in its cache is unknown to sockudo, " +
        "found evict. Set SHARED_CACHE=refresh.",
    );
  }
  if (servers.size > 1 && overlap(entriesOf({ keyPrefix }), entriesOf({ prefix }))) {
    env.mistakes.push(
      "SOCKUDO_CACHE_PREFIX: expected a prefix that keeps sockudo's entries apart from soketi's, found one under which they " +
        "collide. Choose another, here and in sockudo's cache.redis.prefix.",
    );
  }
  return {
    mode,
    soketi: servers.has("soketi") ? { keyPrefix, ttlSeconds } : undefined,
    sockudo: servers.has("sockudo") ? { prefix } : undefined,
  };
}

/** A sweep removes what is no app's: nodes would not be registered any more. */
export function refuseSharedNames(
  env: EnvReader,
  { nodes }: Pick<BusNames, "nodes">,
  { soketi, sockudo }: SharedCacheConfig,
): void {
  const begins = [...(soketi ? [entriesOf(soketi)] : []), ...(sockudo ? [entriesOf(sockudo)] : [])];
  if (!begins.some((one) => overlap(one, nodes))) return;
  env.mistakes.push(
    "APP_SYNC_PREFIX: expected a prefix outside the shared cache's entries, found one among them, where a sweep would remove the nodes' " +
      "registry. Choose another, the same for pipeline and nodes.",
  );
}

function readFormats(env: EnvReader): ReadonlySet<string> {
  const text = env.text("SHARED_CACHE_FORMAT") ?? "soketi";
  const servers = text.split(",").map((server) => server.trim().toLowerCase());
  if (servers.some((server) => server !== "soketi" && server !== "sockudo"))
    env.wrong("SHARED_CACHE_FORMAT", "soketi, sockudo or both with a comma between them", shown(text));
  return new Set(servers);
}

/** What all names of a format's entries begin with. */
function entriesOf(format: { readonly keyPrefix: string } | { readonly prefix: string }): string {
  return "keyPrefix" in format ? `${format.keyPrefix}app:` : `${format.prefix}:app:`;
}

/** Whether names of one are among those of the other. */
function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}
