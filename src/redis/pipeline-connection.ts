import type { Environment } from "../config/env.ts";
import type { PipelineConfig } from "../config/pipeline.ts";
import type { RedisSettings } from "../config/redis.ts";
import type { RedisTimeouts } from "./client-options.ts";
import { allNodes } from "./cluster.ts";
import { type ConnectionOptions, openRedis } from "./connection.ts";
import { createRedisCredentials } from "./credentials.ts";
import type { RedisError } from "./errors.ts";
import { ioredis } from "./ioredis.ts";
import type { RedisConnection, RedisLibrary } from "./library.ts";
import { RenewableConnection } from "./renewable-connection.ts";
import { openWitnesses, type WitnessPool } from "./witnesses.ts";

export interface PipelineRedis {
  /** For work that nothing stops. What has failed on it is not sent any more. */
  readonly connection: RedisConnection;
  /** The same for work that must end in time. @param remainingMs milliseconds left until the process may be stopped. */
  during(remainingMs: () => number): RedisConnection;
  /** Who can tell whether such a connection leads to the primary. */
  readonly witnesses: WitnessPool;
  /** Before each use. @throws RedisLoginError when the login cannot be read. */
  prepare(): Promise<void>;
}

/** In the words of Redis: the login is wrong, or there should have been one. */
const REFUSED = /\b(WRONGPASS|NOAUTH|ERR invalid password)/;

/** What is the process' own, unless somebody says otherwise. */
export interface PipelineSurroundings {
  readonly environment?: Environment | undefined;
  /** Default: ioredis. */
  readonly library?: RedisLibrary | undefined;
}

export type PipelineRedisConfig = Pick<
  PipelineConfig,
  "redis" | "redisCredentials" | "names" | "minReplicas"
>;

/** Opens the pipeline's connection, with whatever login the configuration names. */
export function openPipelineRedis(
  { redis: settings, redisCredentials, names, minReplicas }: PipelineRedisConfig,
  timeouts: RedisTimeouts,
  onError: (error: RedisError) => void,
  { environment = process.env, library = ioredis }: PipelineSurroundings = {},
): PipelineRedis {
  const credentials = redisCredentials && createRedisCredentials(redisCredentials, environment, Date.now);
  const noteRefusal = ({ reason }: RedisError) => {
    if (REFUSED.test(reason)) credentials?.refused();
  };
  const options: ConnectionOptions = {
    library,
    settings,
    timeouts,
    login: credentials && (() => credentials.login),
    onError(error) {
      noteRefusal(error);
      onError(error);
    },
  };
  // Sentinels have a password of their own, and may refuse the old one where the primary's connection goes on.
  const ofWitnesses = { ...options, onError: noteRefusal };
  const renewable = new RenewableConnection({
    open: opener(options),
    limitMs: timeouts.totalMs ?? totalMs(settings, timeouts),
    retries: timeouts.retriesPerCommand,
  });
  return {
    connection: renewable.during(),
    during: (remainingMs) => renewable.during(remainingMs),
    witnesses: openWitnesses({ ...ofWitnesses, key: names.log, minReplicas, limitMs: timeouts.commandMs }),
    async prepare() {
      await credentials?.prepare();
    },
  };
}

/** Opens one connection after the other. A cluster is looked for at the nodes that it has named since, too. */
function opener(options: ConnectionOptions): () => RedisConnection {
  let { settings } = options;
  return () => {
    const connection = openRedis({ ...options, settings });
    if ("nodes" in connection) {
      connection.on("refresh", () => {
        if (settings.kind === "cluster")
          settings = { ...settings, nodes: allNodes(settings.nodes, connection) };
      });
    }
    return connection;
  };
}

function totalMs(settings: RedisSettings, timeouts: RedisTimeouts): number {
  return connectLimitMs(settings, timeouts) + timeouts.commandMs * (1 + timeouts.retriesPerCommand);
}

/** A cluster's slots may take this long to be told (`slotsRefreshTimeout`). Milliseconds. */
const SLOTS_MS = 5_000;

/** Servers are asked one after the other, and each may be silent. */
function connectLimitMs(settings: RedisSettings, { connectMs }: RedisTimeouts): number {
  switch (settings.kind) {
    case "standalone":
      return connectMs;
    case "sentinel":
      return connectMs * (settings.sentinels.length + 1);
    case "cluster":
      return Math.max(SLOTS_MS, connectMs * (settings.nodes.length + 1));
  }
}
