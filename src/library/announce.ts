import { NoLogError } from "../agent/errors.ts";
import { describeRedis } from "../config/describe-redis.ts";
import { EnvReader } from "../config/env.ts";
import { readLogLimits } from "../config/pipeline.ts";
import { encodeChanges } from "../protocol/encode.ts";
import { INTERACTIVE_TIMEOUTS } from "../redis/client-options.ts";
import { orRedisError } from "../redis/errors.ts";
import type { RedisConnection } from "../redis/library.ts";
import { createRedisLog } from "../redis/log.ts";
import { openPipelineRedis, type PipelineRedis } from "../redis/pipeline-connection.ts";
import { announcementMistakes } from "./announcement-mistakes.ts";
import { assertObject, type LinkOptions, readSettings, type Settings } from "./settings.ts";

export interface AnnounceOptions extends Pick<
  LinkOptions,
  "redis" | "table" | "prefix" | "minReplicas" | "environment"
> {
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

/**
 * Tells all nodes at once to forget apps: to be called right after the table was written. The stream's message comes after it
 * all the same, so that a failure of this delays nothing but what it was to make faster. What failed is not sent later.
 * The log is trimmed as the pipeline trims it: give both the same `APP_SYNC_LOG_LENGTH` and `APP_SYNC_LOG_BYTES`.
 *
 * @param changes one or more; ids and keys of 1 to 2048 bytes.
 * @returns the id of the message in the log.
 * @throws ConfigError with every mistake; NoLogError when a variable that may be the program's own leads to a Redis without the
 * pipeline's log; RedisError when Redis does not take the message, or does not answer within seconds.
 */
export async function announce(
  changes: readonly AnnouncedChange[],
  options: AnnounceOptions,
): Promise<string> {
  assertObject("options", options);
  const { by, reason, environment = process.env } = options;
  assertObject("environment", environment);
  const env = new EnvReader(environment);
  const limits = readLogLimits(env);
  const settings = readSettings(options, [...env.mistakes, ...announcementMistakes(changes, options)]);
  const { names, table } = settings;
  const announced = changes.map(({ appId, keys = [] }) => ({
    appId,
    type: "updated" as const,
    keys,
    changed: [],
  }));
  const messages = encodeChanges(announced, { table, at: Date.now(), by, reason });
  return withRedis(settings, async ({ connection, witnesses }) => {
    await refuseWithoutLog(connection, settings);
    return createRedisLog(connection, names, limits, witnesses.of(connection)).append(messages);
  });
}

async function withRedis<T>(settings: Settings, work: (redis: PipelineRedis) => Promise<T>): Promise<T> {
  // An error of the connection is that of the command as well, which is thrown.
  const config = { ...settings, redisCredentials: undefined };
  const redis = openPipelineRedis(config, INTERACTIVE_TIMEOUTS, () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.connection.disconnect();
    redis.witnesses.close();
  }
}

/** As a follower does: a log that we began in another program's Redis would be read by nobody. */
async function refuseWithoutLog(
  connection: RedisConnection,
  { names, redis, doubtfulVariable }: Settings,
): Promise<void> {
  if (doubtfulVariable === undefined) return;
  const found = await orRedisError("look for the log", connection.exists(names.log));
  if (found === 0) throw new NoLogError(names.log, `${describeRedis(redis)} (${doubtfulVariable})`);
}
