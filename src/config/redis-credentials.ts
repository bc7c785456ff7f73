import { type EnvReader, shown } from "./env.ts";
import type { RedisSettings } from "./redis.ts";

/** Where the pipeline gets its Redis login, when its settings do not hold it. docs/redis.md */
export type RedisCredentialsSource =
  /**
   * Name or ARN of a secret in Secrets Manager: the password, or JSON with `password` and perhaps `username`,
   * `sentinelUsername` and `sentinelPassword`.
   */
  | { readonly kind: "secret"; readonly id: string }
  /** Name of a SecureString parameter in SSM: the same. */
  | { readonly kind: "parameter"; readonly name: string }
  /** IAM authentication of ElastiCache: a token for this cache and this user, signed with the function's own role. */
  | {
      readonly kind: "iam";
      /** The replication group's or serverless cache's name, in lower case. */
      readonly cacheName: string;
      readonly serverless: boolean;
      readonly username: string;
      readonly region: string;
    };

const SOURCES = ["REDIS_SECRET_ID", "REDIS_PASSWORD_PARAMETER", "REDIS_IAM_CACHE_NAME"] as const;

/** Undefined when the login is in the settings, or there is none. */
export function readRedisCredentials(
  env: EnvReader,
  redis: RedisSettings | undefined,
): RedisCredentialsSource | undefined {
  const given = SOURCES.filter((name) => env.text(name) !== undefined);
  const serverless = env.flag("REDIS_IAM_SERVERLESS", false);
  const [first] = given;
  if (!first) return undefined;
  if (given.length > 1)
    env.mistakes.push(`${given.join(", ")}: expected one of them, found ${given.length}. Remove the others.`);
  if (redis?.password !== undefined)
    env.mistakes.push(
      `${first}: expected no other password beside it, found one. Remove it from REDIS_URL or REDIS_PASSWORD.`,
    );
  const value = env.text(first) ?? "";
  switch (first) {
    case "REDIS_SECRET_ID":
      return { kind: "secret", id: value };
    case "REDIS_PASSWORD_PARAMETER":
      return { kind: "parameter", name: value };
    case "REDIS_IAM_CACHE_NAME":
      return readIam(env, redis, value, serverless);
  }
}

function readIam(
  env: EnvReader,
  redis: RedisSettings | undefined,
  cacheName: string,
  serverless: boolean,
): RedisCredentialsSource {
  const region = env.text("AWS_REGION");
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(cacheName))
    env.wrong("REDIS_IAM_CACHE_NAME", "a cache's name in lower case", shown(cacheName));
  if (redis && redis.username === undefined)
    env.mistakes.push(
      "REDIS_IAM_CACHE_NAME: expected the user's id beside it, found none. Put it into REDIS_URL or REDIS_USERNAME.",
    );
  if (redis && !redis.tls)
    env.mistakes.push(
      "REDIS_IAM_CACHE_NAME: expected TLS, which IAM authentication demands, found none. Use rediss:// or REDIS_TLS=on.",
    );
  if (region === undefined)
    env.mistakes.push("AWS_REGION: expected the cache's region for IAM authentication, found nothing.");
  return { kind: "iam", cacheName, serverless, username: redis?.username ?? "", region: region ?? "" };
}
