import type { EnvReader } from "./env.ts";
import { parseRedisUrl } from "./redis-url.ts";

interface HostAndPort {
  readonly host: string;
  readonly port: number;
  /** It stood alone in a list, and may be anything. Of soketi's own settings: ours want a port. */
  readonly isBare?: boolean | undefined;
}

interface RedisCommon {
  readonly username?: string | undefined;
  /** Never logged. */
  readonly password?: string | undefined;
  readonly tls: boolean;
  /** In the terms of Node's `tls.connect`: `servername`, `ca`, … Only with `tls`. May hold a key: never logged. */
  readonly tlsOptions?: object | undefined;
  /** IP version: 4 or 6. Default: either. */
  readonly family?: number | undefined;
  /** How long a socket is idle before TCP asks whether the other end is still there. Milliseconds; default 0: at once. */
  readonly keepAliveMs?: number | undefined;
}

/** The address that a server gives of itself, as `host:port` -> the one that it has from here. */
export type NatMap = Readonly<Record<string, HostAndPort>> | ((address: string) => HostAndPort | null);

/** Where Redis is, in whichever of its three forms. */
export type RedisSettings =
  | (RedisCommon &
      HostAndPort & {
        readonly kind: "standalone";
        readonly db: number;
        /** A unix socket; host and port mean nothing beside it. */
        readonly path?: string | undefined;
      })
  | (RedisCommon & {
      readonly kind: "cluster";
      readonly nodes: readonly HostAndPort[];
      readonly natMap?: NatMap | undefined;
    })
  | (RedisCommon & {
      readonly kind: "sentinel";
      readonly sentinels: readonly HostAndPort[];
      /** The name that the sentinels know the master by. */
      readonly name: string;
      readonly db: number;
      readonly sentinelUsername?: string | undefined;
      readonly sentinelPassword?: string | undefined;
      /** TLS to the sentinels themselves, as `tlsOptions`. Absent: none. */
      readonly sentinelTls?: object | undefined;
      readonly natMap?: NatMap | undefined;
    });

/** Redis settings, and what they were read from. */
export interface GivenRedis {
  readonly settings: RedisSettings;
  /** The variable: `REDIS_URL`, `APP_SYNC_REDIS_SENTINELS`, … */
  readonly from: string;
}

/** In front of each of the variables: they are meant for soketi-app-sync and for no other program. */
export const OWN_PREFIX = "APP_SYNC_";

const FORMS = ["REDIS_URL", "REDIS_CLUSTER_NODES", "REDIS_SENTINELS"];

/** What goes with each form, and means nothing without one. */
const BESIDE_ANY = ["REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_TLS", "REDIS_TLS_SERVERNAME"];

/** What goes with sentinels only. A URL says its database itself, and a cluster has but one. */
const BESIDE_SENTINELS = [
  "REDIS_DB",
  "REDIS_SENTINEL_NAME",
  "REDIS_SENTINEL_USERNAME",
  "REDIS_SENTINEL_PASSWORD",
  "REDIS_SENTINEL_TLS",
];
const BESIDE_FORMS = [...BESIDE_ANY, ...BESIDE_SENTINELS];

/** As `readGivenRedis`. */
export function readRedis(env: EnvReader): RedisSettings | undefined {
  return readGivenRedis(env)?.settings;
}

/**
 * `REDIS_URL`, or `REDIS_CLUSTER_NODES`, or `REDIS_SENTINELS` with `REDIS_SENTINEL_NAME`. `REDIS_USERNAME`,
 * `REDIS_PASSWORD` and `REDIS_TLS` go with each; what a URL says itself wins. When one form is set with `APP_SYNC_` in front,
 * only such count: the plain ones may belong to another program. Undefined, without a mistake, when none is set.
 */
export function readGivenRedis(env: EnvReader): GivenRedis | undefined {
  const prefix = prefixIn(env);
  const given = formsIn(env, prefix);
  if (given.length > 1) {
    env.mistakes.push(`${given.join(", ")}: expected one of them, found ${given.length}. Remove the others.`);
  }
  // Also beside a plain form: it would be read without them.
  for (const name of prefix === "" ? setIn(env, OWN_PREFIX) : []) {
    env.mistakes.push(
      `${name}: expected ${OWN_PREFIX}REDIS_URL, ${OWN_PREFIX}REDIS_CLUSTER_NODES or ${OWN_PREFIX}REDIS_SENTINELS beside it, found none.`,
    );
  }
  const [from] = given;
  if (from === undefined) return undefined;
  const settings = readForm(env, prefix, from);
  if (settings?.tlsOptions && !settings.tls)
    env.wrong(`${prefix}REDIS_TLS_SERVERNAME`, "TLS beside it: rediss://, or REDIS_TLS=on", "none");
  return settings && { settings, from };
}

/**
 * Variables that are set and of no effect, since Redis is named elsewhere, in soketi's settings or with `APP_SYNC_`, or since
 * they go with another form of it.
 */
export function ignoredRedisVariables(env: EnvReader): string[] {
  const prefix = prefixIn(env);
  const [from] = formsIn(env, prefix);
  if (from === undefined) return setIn(env, "");
  const ofOthers = prefix === "" ? [] : setIn(env, "");
  return from.endsWith("REDIS_SENTINELS") ? ofOthers : [...ofOthers, ...setIn(env, prefix, BESIDE_SENTINELS)];
}

/**
 * A URL names its database itself, and a cluster has but one: another that is given beside them would be left out without a word, and
 * the log be where no node looks.
 */
export function refuseOtherDatabase(env: EnvReader, redis: RedisSettings | undefined): void {
  if (!redis || redis.kind === "sentinel") return;
  const name = `${prefixIn(env)}REDIS_DB`;
  const given = env.text(name);
  if (given === undefined || Number(given) === (redis.kind === "cluster" ? 0 : redis.db)) return;
  env.mistakes.push(
    redis.kind === "cluster"
      ? `${name}: expected 0, the only database of a cluster, found another. Remove it.`
      : `${name}: expected the database of the URL, 0 where it names none, found another. Name it in the URL alone, as in redis://host:6379/3.`,
  );
}

function prefixIn(env: EnvReader): string {
  return formsIn(env, OWN_PREFIX).length > 0 ? OWN_PREFIX : "";
}

function formsIn(env: EnvReader, prefix: string): string[] {
  return FORMS.map((name) => prefix + name).filter((name) => env.text(name) !== undefined);
}

function setIn(env: EnvReader, prefix: string, names = BESIDE_FORMS): string[] {
  return names.map((name) => prefix + name).filter((name) => env.text(name) !== undefined);
}

function readForm(env: EnvReader, prefix: string, from: string): RedisSettings | undefined {
  const servername = env.text(`${prefix}REDIS_TLS_SERVERNAME`);
  const common: RedisCommon = {
    username: env.text(`${prefix}REDIS_USERNAME`),
    password: env.text(`${prefix}REDIS_PASSWORD`),
    tls: env.flag(`${prefix}REDIS_TLS`, false),
    tlsOptions: servername === undefined ? undefined : { servername },
  };
  switch (from.slice(prefix.length)) {
    case "REDIS_URL":
      return readUrl(env, from, common);
    case "REDIS_CLUSTER_NODES":
      return { kind: "cluster", nodes: env.hostList(from), ...common };
    default:
      return readSentinels(env, prefix, common);
  }
}

function readSentinels(env: EnvReader, prefix: string, common: RedisCommon): RedisSettings {
  const name = env.text(`${prefix}REDIS_SENTINEL_NAME`)?.trim() ?? "";
  if (name === "") {
    env.mistakes.push(
      `${prefix}REDIS_SENTINEL_NAME: expected the master's name beside ${prefix}REDIS_SENTINELS, found nothing.`,
    );
  }
  return {
    kind: "sentinel",
    sentinels: env.hostList(`${prefix}REDIS_SENTINELS`),
    name,
    db: env.integer(`${prefix}REDIS_DB`, { min: 0, max: 1_000_000, default: 0 }),
    sentinelUsername: env.text(`${prefix}REDIS_SENTINEL_USERNAME`),
    sentinelPassword: env.text(`${prefix}REDIS_SENTINEL_PASSWORD`),
    sentinelTls: env.flag(`${prefix}REDIS_SENTINEL_TLS`, false) ? {} : undefined,
    ...common,
  };
}

function readUrl(env: EnvReader, name: string, common: RedisCommon): RedisSettings | undefined {
  const url = parseRedisUrl(env.text(name) ?? "");
  if ("found" in url) {
    env.mistakes.push(
      `${name}: expected redis://[user:password@]host[:port][/db], or rediss://… for TLS, found ${url.found}`,
    );
    return undefined;
  }
  const { username = common.username, password = common.password } = url;
  return { ...common, ...url, kind: "standalone", username, password, tls: url.tls || common.tls };
}
