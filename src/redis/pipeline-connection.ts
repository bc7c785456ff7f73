import type { Environment } from "../config/env.ts";
import type { PipelineConfig } from "../config/pipeline.ts";
import { ioredis } from "./ioredis.ts";
import { openRedis, type RedisConnection, type RedisTimeouts } from "./connection.ts";
import { createRedisCredentials } from "./credentials.ts";

export interface PipelineRedis {
  readonly connection: RedisConnection;
  /** Before each use. @throws Error when the login cannot be read. */
  prepare(): Promise<void>;
}

/** In the words of Redis: the login is wrong, or there should have been one. */
const REFUSED = /^(WRONGPASS|NOAUTH|ERR invalid password)/;

/** Opens the pipeline's connection, with whatever login the configuration names. */
export function openPipelineRedis(
  { redis, redisCredentials }: PipelineConfig,
  timeouts: RedisTimeouts,
  onError: (error: unknown) => void,
  environment: Environment = process.env,
): PipelineRedis {
  const credentials = redisCredentials && createRedisCredentials(redisCredentials, environment, Date.now);
  const connection = openRedis(ioredis, redis, timeouts, {}, credentials && (() => credentials.login));
  connection.on("error", (error: unknown) => {
    if (isRefusal(error)) credentials?.refused();
    onError(error);
  });
  return {
    connection,
    async prepare() {
      await credentials?.prepare();
    },
  };
}

/** A cluster tells it of each node that it tried last. */
function isRefusal(error: unknown): boolean {
  const { message, lastNodeError } = (error ?? {}) as { message?: unknown; lastNodeError?: unknown };
  return (
    (typeof message === "string" && REFUSED.test(message)) ||
    (lastNodeError !== undefined && isRefusal(lastNodeError))
  );
}
