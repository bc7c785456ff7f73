import type { Environment } from "../config/env.ts";
import type { RedisCredentialsSource } from "../config/redis-credentials.ts";
import { IamTokens } from "./iam-tokens.ts";
import { StoredSecret } from "./stored-secret.ts";
import type { RedisCredentials } from "./with-credentials.ts";

/** @param now milliseconds since 1970. */
export function createRedisCredentials(
  source: RedisCredentialsSource,
  environment: Environment,
  now: () => number,
): RedisCredentials {
  return source.kind === "iam"
    ? new IamTokens({ source, environment, now })
    : new StoredSecret({ source, environment, now });
}
