import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { performance } from "node:perf_hooks";
import { createAgent } from "../agent/agent.ts";
import { createRedisBus } from "../adapters/redis-bus.ts";
import { openRedis, type RedisTimeouts } from "../adapters/redis.ts";
import { cut, subscribe } from "../adapters/redis-subscription.ts";
import {
  checkHooks,
  normalizeReads,
  type SoketiAppClass,
  type SoketiAppManager,
  type SoketiAppObject,
  type SoketiServer,
  tableSource,
  takeOverLookups,
} from "../adapters/soketi.ts";
import { fromSoketi } from "../adapters/soketi-redis.ts";
import { type AgentConfig, readAgentConfig } from "../config/agent.ts";
import type { Soketi } from "../adapters/soketi-package.ts";
import { createReporter } from "./report.ts";

/** What is left to do with an attached agent. */
export interface Attached {
  /** Closes the agent's connections. soketi's own graceful stop does it too. */
  close(): void;
}

/** Puts the agent into one server, whose app manager is known by now. Throws without having changed anything. */
export function attachTo(
  server: SoketiServer,
  manager: SoketiAppManager,
  soketi: Soketi,
): Attached | undefined {
  const { driver, dynamodb } = server.options.appManager;
  if (driver !== "dynamodb") {
    soketi.Log.warning(
      `app-sync: soketi's app manager is "${driver}", not "dynamodb": there is nothing to sync.`,
    );
    return undefined;
  }
  checkHooks(manager, soketi.App);
  const config = readAgentConfig(process.env, dynamodb.table);
  const report = createReporter(soketi.Log, config.debug || server.options.debug);
  normalizeReads(manager, report.itemProblems);
  const attached = config.cache
    ? startAgent(server, manager, soketi, config, report)
    : { close: () => undefined };
  soketi.Log.success(
    `app-sync ${__VERSION__}: attached to soketi ${soketi.version}, table "${dynamodb.table}", ` +
      (config.cache ? `log "${config.names.log}".` : "cache off: lookups are soketi's own."),
  );
  return attached;
}

function startAgent(
  server: SoketiServer,
  manager: SoketiAppManager,
  soketi: Soketi,
  config: AgentConfig,
  report: ReturnType<typeof createReporter>,
): Attached {
  const settings = config.redis ?? fromSoketi(server.options.database.redis);
  const timeouts: RedisTimeouts = { connectMs: 1_000, commandMs: config.heartbeatMs, retriesPerCommand: 0 };
  const commands = openRedis(soketi.redis, settings, timeouts);
  const subscriber = openRedis(soketi.redis, settings, { ...timeouts, commandMs: config.leaseMs });
  commands.on("error", report.redisFailed);
  const bus = createRedisBus(commands, config.names, randomUUID(), () =>
    JSON.stringify({ host: hostname(), pid: process.pid, agent: __VERSION__, soketi: soketi.version }),
  );
  const agent = createAgent<SoketiAppObject>({
    bus,
    source: tableSource(server, manager, soketi.App as SoketiAppClass, report.itemProblems),
    report: {
      ...report,
      heartbeatFailed(error) {
        report.redisFailed(error);
        // A socket that went silent is never replaced by itself.
        if (commands.status === "ready") cut(commands);
      },
    },
    clock: () => performance.now(),
    now: Date.now,
    ...config,
  });
  takeOverLookups(manager, agent.cache);
  const subscription = subscribe(subscriber, config.names.live, {
    subscribed: () => void agent.follower.onSubscribed().catch(report.redisFailed),
    lost: () => {
      agent.follower.onLost();
    },
    message: (payload) => {
      agent.follower.onLive(payload);
    },
    failed: report.redisFailed,
  });
  agent.start();
  const alive = setInterval(() => {
    subscription.checkAlive(config.heartbeatMs);
  }, config.heartbeatMs);
  const close = () => {
    clearInterval(alive);
    agent.stop();
    subscription.close();
    commands.disconnect();
  };
  const stop = server.stop.bind(server);
  // Connections that soketi closes in its grace period still look their apps up: ours go last.
  server.stop = async () => {
    try {
      return await stop();
    } finally {
      close();
    }
  };
  return { close };
}
