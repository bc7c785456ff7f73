import { EnvReader } from "../config/env.ts";
import { readRedis, type RedisSettings } from "../config/redis.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What each kind of settings is made of, and what of it cannot be used, by name. */
const KINDS: Readonly<Record<string, (given: Fields) => string[]>> = {
  standalone: (given) => [
    ...(isText(given.path)
      ? []
      : ["host", "port"].filter((name) => !isPlace(given)[name as "host" | "port"])),
    ...wrongDatabase(given),
  ],
  cluster: ({ nodes }) => (isPlaces(nodes) ? [] : ["nodes"]),
  sentinel: (given) => [
    ...(isPlaces(given.sentinels) ? [] : ["sentinels"]),
    ...(isText(given.name) ? [] : ["name"]),
    ...wrongDatabase(given),
  ],
};

/**
 * A URL, or settings, which come from JavaScript as well as from TypeScript. ioredis takes what is not there for the machine that
 * it runs on. Either may hold a password, so nothing of wrong ones is shown.
 */
export function readGivenRedis(mistakes: string[], redis: string | RedisSettings): RedisSettings | undefined {
  if (typeof redis === "string") {
    const url = new EnvReader({ REDIS_URL: redis });
    const settings = readRedis(url);
    mistakes.push(...url.mistakes.map((mistake) => mistake.replace(/^REDIS_URL/, "redis")));
    return settings;
  }
  const given = (redis as unknown as Fields | null) ?? {};
  const kind = Object.keys(KINDS).find((name) => name === given.kind);
  const wrong = kind === undefined ? undefined : [...(KINDS[kind]?.(given) ?? []), ...wrongTls(given)];
  if (wrong?.length === 0) return redis;
  mistakes.push(
    "redis: expected a URL, or settings of the kind standalone with host and port, cluster with nodes, or sentinel with " +
      `sentinels and name, found ${wrong ? `no usable ${wrong.join(", ")}` : "another kind"}: docs/library.md`,
  );
  return undefined;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "";
}

function isPlace(value: unknown): { readonly host: boolean; readonly port: boolean } {
  const { host, port } = (typeof value === "object" && value !== null ? value : {}) as Fields;
  return { host: isText(host), port: isWhole(port, 1, 65_535) };
}

function isPlaces(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length > 0 && value.every((one) => isPlace(one).host && isPlace(one).port)
  );
}

/** Node takes a port as text as well. */
function isWhole(value: unknown, min: number, max: number): boolean {
  if (typeof value === "string") return /^\d+$/.test(value) && isWhole(Number(value), min, max);
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

function wrongDatabase({ db }: Fields): string[] {
  return db === undefined || isWhole(db, 0, 1_000_000) ? [] : ["db"];
}

/** As ioredis has it, `tls` holds what belongs into `tlsOptions`: a certificate there would be left out without a word. */
function wrongTls({ tls, tlsOptions }: Fields): string[] {
  return [
    ...(tls === undefined || typeof tls === "boolean" ? [] : ["tls"]),
    ...(tlsOptions === undefined || (typeof tlsOptions === "object" && tlsOptions !== null)
      ? []
      : ["tlsOptions"]),
  ];
}
