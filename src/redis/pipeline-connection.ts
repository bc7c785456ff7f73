import type { Environment } from "../config/env.ts";
import type { PipelineConfig } from "../config/pipeline.ts";
import type { RedisTimeouts } from "./client-options.ts";
import { type ConnectionOptions, openRedis } from "./connection.ts";
import { createRedisCredentials } from "./credentials.ts";
import type { RedisError } from "./errors.ts";
import { ioredis } from "./ioredis.ts";
import type { RedisConnection } from "./library.ts";
import { type OpenedWitnesses, openWitnesses } from "./witnesses.ts";

export interface PipelineRedis {
  readonly connection: RedisConnection;
  /** Who can tell whether the connection leads to the primary. */
  readonly witnesses: OpenedWitnesses;
  /** Before each use. @throws RedisLoginError when the login cannot be read. */
  prepare(): Promise<void>;
}

/** In the words of Redis: the login is wrong, or there should have been one. */
const REFUSED = /\b(WRONGPASS|NOAUTH|ERR invalid password)/;

/** Opens the pipeline's connection, with whatever login the configuration names. */
export function openPipelineRedis(
  { redis: settings, redisCredentials, names, minReplicas }: PipelineConfig,
  timeouts: RedisTimeouts,
  onError: (error: RedisError) => void,
  environment: Environment = process.env,
): PipelineRedis {
  const credentials = redisCredentials && createRedisCredentials(redisCredentials, environment, Date.now);
  const options: ConnectionOptions = {
    library: ioredis,
    settings,
    timeouts,
    login: credentials && (() => credentials.login),
    onError(error) {
      if (REFUSED.test(error.reason)) credentials?.refused();
      onError(error);
    },
  };
  const connection = openRedis(options);
  const limitMs = timeouts.commandMs;
  return {
    connection,
    witnesses: openWitnesses({ ...options, connection, key: names.log, minReplicas, limitMs }),
    async prepare() {
      await credentials?.prepare();
    },
  };
}
