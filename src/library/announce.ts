import { EnvReader } from "../config/env.ts";
import { readLogLimits } from "../config/pipeline.ts";
import { encodeChanges } from "../protocol/encode.ts";
import { openRedis } from "../redis/connection.ts";
import { ioredis } from "../redis/ioredis.ts";
import { createRedisLog } from "../redis/log.ts";
import { type LinkOptions, readSettings } from "./settings.ts";

export interface AnnounceOptions extends Pick<LinkOptions, "redis" | "table" | "prefix" | "environment"> {
  /** Who has changed the apps: a name for people who read the log. */
  readonly by: string;
  /** Why. Neither may hold a secret. */
  readonly reason?: string;
}

export interface AnnouncedChange {
  /** `AppId`. */
  readonly appId: string;
  /** Every `AppKey` that the app had before or has now, the present one first. Default: none, and nodes ask the index. */
  readonly keys?: readonly string[];
}

/** As the command line's. Milliseconds. */
const TIMEOUTS = { connectMs: 3_000, commandMs: 5_000, retriesPerCommand: 2 };

/**
 * Tells all nodes at once to forget apps: to be called right after the table was written. The stream's message comes after it
 * all the same, so that a failure of this delays nothing but what it was to make faster.
 * The log is trimmed as the pipeline trims it: give both the same `APP_SYNC_LOG_LENGTH` and `APP_SYNC_LOG_BYTES`.
 *
 * @returns the id of the message in the log.
 * @throws ConfigError with every mistake; RedisError when Redis does not take the message.
 */
export async function announce(
  changes: readonly AnnouncedChange[],
  options: AnnounceOptions,
): Promise<string> {
  const { redis: settings, names, table } = readSettings(options);
  const { by, reason, environment = process.env } = options;
  const env = new EnvReader(environment);
  const limits = readLogLimits(env);
  env.finish();
  const connection = openRedis({ library: ioredis, settings, timeouts: TIMEOUTS, onError: () => undefined });
  try {
    const announced = changes.map(({ appId, keys = [] }) => ({
      appId,
      type: "updated" as const,
      keys,
      changed: [],
    }));
    const messages = encodeChanges(announced, { table, at: Date.now(), by, reason });
    return await createRedisLog(connection, names, limits).append(messages);
  } finally {
    connection.disconnect();
  }
}
