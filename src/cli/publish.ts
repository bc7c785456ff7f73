import { ioredis } from "../adapters/ioredis.ts";
import { openRedis } from "../adapters/redis.ts";
import { createRedisLog } from "../adapters/redis-log.ts";
import { type PipelineConfig, readPipelineConfig } from "../config/pipeline.ts";

/**
 * Publishes messages as the pipeline does, with the pipeline's own variables, and waits until Redis has them.
 *
 * @throws ConfigError, RedisError
 */
export async function publish(messagesFor: (config: PipelineConfig) => string[]): Promise<PipelineConfig> {
  const config = readPipelineConfig(process.env);
  const redis = openRedis(ioredis, config.redis, {
    connectMs: 3_000,
    commandMs: 5_000,
    retriesPerCommand: 2,
  });
  // The command's own failure says the same, and is what the user sees.
  redis.on("error", () => undefined);
  try {
    await createRedisLog(redis, config.names, config.logLength).append(messagesFor(config));
  } finally {
    redis.disconnect();
  }
  return config;
}
