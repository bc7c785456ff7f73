import type { Environment } from "../config/env.ts";
import type { PipelineConfig } from "../config/pipeline.ts";
import type { RedisTimeouts } from "./client-options.ts";
import { openRedis } from "./connection.ts";
import { createRedisCredentials } from "./credentials.ts";
import type { RedisError } from "./errors.ts";
import { ioredis } from "./ioredis.ts";
import type { RedisConnection } from "./library.ts";

export interface PipelineRedis {
  readonly connection: RedisConnection;
  /** Before each use. @throws RedisLoginError when the login cannot be read. */
  prepare(): Promise<void>;
}

/** In the words of Redis: the login is wrong, or there should have been one. */
const REFUSED = /\b(WRONGPASS|NOAUTH|ERR invalid password)/;

/** Opens the pipeline's connection, with whatever login the configuration names. */
export function openPipelineRedis(
  { redis: settings, redisCredentials }: PipelineConfig,
  timeouts: RedisTimeouts,
  onError: (error: RedisError) => void,
  environment: Environment = process.env,
): PipelineRedis {
  const credentials = redisCredentials && createRedisCredentials(redisCredentials, environment, Date.now);
  const connection = openRedis({
    library: ioredis,
    settings,
    timeouts,
    login: credentials && (() => credentials.login),
    onError(error) {
      if (REFUSED.test(error.reason)) credentials?.refused();
      onError(error);
    },
  });
  return {
    connection,
    async prepare() {
      await credentials?.prepare();
    },
  };
}
