import { INTERACTIVE_TIMEOUTS } from "../../redis/client-options.ts";
import { createRedisLog, type RedisLog } from "../../redis/log.ts";
import type { PipelineRedis } from "../../redis/pipeline-connection.ts";
import type { RedisError } from "../../redis/errors.ts";
import { reach } from "../../redis/reach.ts";
import type { RedisConnection } from "../../redis/library.ts";
import type { WitnessPool } from "../../redis/witnesses.ts";
import { createFleet, type Fleet } from "../../redis/fleet.ts";
import { createSharedCache } from "../../redis/shared-app-cache.ts";
import type { SharedCacheConfig } from "../../config/shared-cache.ts";
import type { SharedCache } from "../../pipeline/shared-cache.ts";
import { openTableTools, type TableTools } from "./table-tools.ts";
import type { Environment } from "../../config/env.ts";
import {
  type PipelineConfig,
  readToolsConfig,
  type ToolsConfig,
  withRedisSettings,
} from "../../config/pipeline.ts";

/** Options that every command has: they stand for variables, and come first. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly table?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly prefix?: string;
}

/** What commands work with. Nothing is loaded, or opened, before it is asked for. */
export interface Tools extends TableTools {
  readonly config: ToolsConfig;
  /** @throws ConfigError when no Redis is configured. */
  readonly pipelineConfig: PipelineConfig;
  /** Rejects when no Redis is configured, or its login cannot be read. */
  redis(): Promise<RedisConnection>;
  /** The same, for what goes on and shows that Redis is away: it is not tried before. */
  redisLater(): Promise<RedisConnection>;
  /** Where messages are published. Rejects as `redis`. */
  log(): Promise<RedisLog>;
  /** Who can tell which server is the primary. Rejects as `redis`. */
  witnesses(): Promise<WitnessPool>;
  fleet(): Promise<Fleet>;
  /** soketi's own app cache in Redis. Rejects as `redis`. */
  sharedCache(config: SharedCacheConfig): Promise<SharedCache>;
  /** What the connection to Redis has said last: a command that failed for it says only that it failed. */
  redisTrouble(): RedisError | undefined;
  close(): void;
}

/** The variables, with the options that stand for some of them. */
export function environmentOf(options: CommonOptions, environment: Environment): Environment {
  return {
    ...environment,
    APP_MANAGER_DYNAMODB_TABLE: options.table ?? environment.APP_MANAGER_DYNAMODB_TABLE,
    AWS_REGION: options.region ?? environment.AWS_REGION,
    APP_MANAGER_DYNAMODB_ENDPOINT: options.endpoint ?? environment.APP_MANAGER_DYNAMODB_ENDPOINT,
    APP_SYNC_PREFIX: options.prefix ?? environment.APP_SYNC_PREFIX,
  };
}

/** @throws ConfigError with every mistake. */
export function openTools(options: CommonOptions, environment = process.env): Tools {
  const env = environmentOf(options, environment);
  const config = readToolsConfig(env);
  let lastError: RedisError | undefined;
  let opened: PipelineRedis | undefined;
  const { close: closeTable, ...table } = openTableTools(config);
  const onError = (error: RedisError) => {
    lastError = error;
    // For commands that go on: a login that was changed meanwhile is read again.
    opened?.prepare().catch(() => undefined);
  };
  const open = async () => {
    // A quarter of a command's start: those that work on the table alone do without it.
    const { openPipelineRedis } = await import("../../redis/pipeline-connection.ts");
    opened ??= openPipelineRedis(withRedisSettings(config), INTERACTIVE_TIMEOUTS, onError, {
      environment: env,
    });
    // Whoever comes while the login is read waits for it as well.
    await opened.prepare();
    return opened;
  };
  // One that is away is waited for once, however many things need it.
  let reached: Promise<unknown> | undefined;
  let fleet: Fleet | undefined;
  const redis = async () => {
    const { connection } = await open();
    await (reached ??= reach(connection, INTERACTIVE_TIMEOUTS.commandMs));
    return connection;
  };
  return {
    ...table,
    config,
    get pipelineConfig() {
      return withRedisSettings(config);
    },
    redis,
    log: async () => {
      const connection = await redis();
      const { witnesses } = await open();
      return createRedisLog(connection, config.names, config, witnesses.of(connection));
    },
    witnesses: async () => (await open()).witnesses,
    fleet: async () => {
      const connection = await redis();
      // One for all of a command: what the first question has found of a replica is known at the last.
      return (fleet ??= createFleet(connection, config.names));
    },
    redisLater: async () => (await open()).connection,
    sharedCache: async (shared) => {
      return createSharedCache(await redis(), shared, await table.apps());
    },
    redisTrouble: () => lastError,
    close() {
      opened?.connection.disconnect();
      opened?.witnesses.close();
      closeTable();
    },
  };
}
