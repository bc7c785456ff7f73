import { createRedisLog } from "../adapters/redis-log.ts";
import { type PipelineConfig, readPipelineConfig } from "../config/pipeline.ts";
import { withRedis } from "./pipeline-redis.ts";

/**
 * Publishes messages as the pipeline does, with the pipeline's own variables, and waits until Redis has them.
 *
 * @throws ConfigError, RedisError
 */
export async function publish(messagesFor: (config: PipelineConfig) => string[]): Promise<PipelineConfig> {
  const config = readPipelineConfig(process.env);
  await withRedis(config, (redis) =>
    createRedisLog(redis, config.names, config.logLength).append(messagesFor(config)),
  );
  return config;
}
