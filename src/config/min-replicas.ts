import type { EnvReader } from "./env.ts";
import type { RedisSettings } from "./redis.ts";

const NAME = "APP_SYNC_MIN_REPLICAS";

/**
 * `APP_SYNC_MIN_REPLICAS`: how many replicas must have a write before it counts. Default 0.
 *
 * @param as what the number is called by whoever set it.
 */
export function readMinReplicas(env: EnvReader, redis: RedisSettings | undefined, as = NAME): number {
  const replicas = env.integer(NAME, { min: 0, max: 100, default: 0 });
  if (replicas > 0 && redis?.kind === "cluster")
    env.wrong(as, "0 on a cluster, whose masters are asked instead", `${replicas}`);
  return replicas;
}
