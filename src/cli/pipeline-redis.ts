import { openPipelineRedis } from "../adapters/pipeline-redis.ts";
import type { RedisConnection } from "../adapters/redis.ts";
import type { PipelineConfig } from "../config/pipeline.ts";

/** Opens the pipeline's Redis for one command's work, and closes it. Rejects with what the work throws. */
export async function withRedis<T>(
  config: PipelineConfig,
  work: (redis: RedisConnection) => Promise<T>,
): Promise<T> {
  const redis = openPipelineRedis(
    config,
    { connectMs: 3_000, commandMs: 5_000, retriesPerCommand: 2 },
    // The command's own failure says the same, and is what the user sees.
    () => undefined,
  );
  try {
    await redis.prepare();
    return await work(redis.connection);
  } finally {
    redis.connection.disconnect();
  }
}
