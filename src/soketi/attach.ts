import { performance } from "node:perf_hooks";
import { isDeepStrictEqual } from "node:util";
import { Agent } from "../agent/agent.ts";
import { openAgentLink } from "../redis/agent-link.ts";
import { Guards } from "./guards/guards.ts";
import { guarded, guardLookups, installGuards, tellUnread } from "./guards/install.ts";
import { publicViewOfCached } from "../app/cached-app.ts";
import { previousSecretOf } from "./app-objects.ts";
import { takePreviousSecrets } from "./previous-secrets.ts";
import { checkHooks } from "./check-hooks.ts";
import { normalizeReads } from "./normalize-reads.ts";
import type { SoketiAppClass, SoketiAppManager, SoketiAppObject, SoketiServer } from "./server.ts";
import { tableSource } from "./table-source.ts";
import { takeOverLookups } from "./take-over-lookups.ts";
import type { Soketi } from "./package.ts";
import { ownRedis } from "./own-redis.ts";
import {
  removeClosedHere,
  soketiConnectionLimits,
  soketiConnections,
  watchNewConnections,
} from "./sockets.ts";
import { forgetFormerApps } from "./former-apps.ts";
import { leaveOwnChannels } from "./leave-own-channels.ts";
import { noteAuthorized } from "./sign-in-requests.ts";
import { guardWebhooks } from "./webhooks.ts";
import { createSuspensionClock } from "../agent/suspension-clock.ts";
import { NoLogError } from "../agent/errors.ts";
import { OtherAppManagerError } from "./errors.ts";
import { readyWhenSynced } from "./ready.ts";
import { requireLog } from "../agent/require-log.ts";
import { whichRedis, type WhichRedis } from "./which-redis.ts";
import { type AgentConfig, isAgentRequired, readAgentConfig } from "../config/agent.ts";
import type { CachedEntry } from "../protocol/node.ts";
import { exposeMetrics } from "./expose-metrics.ts";
import { createReporter, type PreloadReporter } from "./reporter.ts";

/**
 * Puts the agent into one server, whose app manager is known by now and whose other parts are not yet set. Throws
 * without having changed anything.
 */
export function attachTo(server: SoketiServer, manager: SoketiAppManager, soketi: Soketi): void {
  const { driver, dynamodb } = server.options.appManager;
  if (driver !== "dynamodb") {
    if (isAgentRequired(process.env)) throw new OtherAppManagerError(driver);
    soketi.Log.warning(
      `app-sync: soketi's app manager is "${driver}", not "dynamodb": there is nothing to sync.`,
    );
    return;
  }
  const own = ownRedis(server.options);
  const config = readAgentConfig(process.env, dynamodb.table, own.settings);
  checkHooks(server, manager, soketi.App, config);
  const redis = whichRedis(config, server.options);
  const report = createReporter(soketi.Log, config.debug || server.options.debug);
  const agent = startAgent(server, manager, soketi, { ...config, redis }, report);
  normalizeReads(manager, report.itemProblems);
  const guards = new Guards({ on: config.guards, onCaught: report.guarded });
  installGuards(guarded(server), guards);
  if (config.cache) {
    const lookups = guardLookups(agent.cache, guards);
    takeOverLookups(manager, lookups);
    tellUnread(guarded(server), guards, lookups);
  }
  takePreviousSecrets({
    server: guarded(server),
    cache: agent.cache,
    uses: report.counts.previousSecrets,
    onNoHook: report.noOverlap,
    onFailed: report.signatureFailed,
  });
  watchNewConnections(server, (appId, connection) => agent.connections.entered(appId, connection));
  removeClosedHere(guarded(server));
  noteAuthorized(guarded(server));
  leaveOwnChannels(server);
  const appClass = soketi.App as SoketiAppClass;
  const { cache } = agent;
  const { makeLambdaClient, http } = soketi;
  const { closesPerSecond } = config;
  const webhooks = { server, manager, appClass, cache, makeLambdaClient, http, report, closesPerSecond };
  agent.onChange = guardWebhooks(webhooks);
  if (config.ready === "synced") readyWhenSynced(server, () => agent.leaseHeld);
  exposeMetrics(server, soketi.prom, agent, report);
  for (const warning of redis.warnings) soketi.Log.warning(`app-sync: ${warning}`);
  soketi.Log.success(
    `app-sync ${__VERSION__}: attached to ${soketi.name} ${soketi.version}, table "${dynamodb.table}", ` +
      `log "${config.names.log}" in Redis ${redis.description}${config.cache ? "" : ", cache off: lookups are soketi's own"}.`,
  );
}

function startAgent(
  server: SoketiServer,
  manager: SoketiAppManager,
  soketi: Soketi,
  config: Omit<AgentConfig, "redis"> & { readonly redis: WhichRedis },
  report: PreloadReporter,
): Agent<SoketiAppObject> {
  const { redis } = config;
  const link = openAgentLink({
    ...config,
    library: soketi.redis,
    settings: redis.settings,
    identity: {
      agent: __VERSION__,
      soketi: soketi.version,
      leaseMs: config.leaseMs,
      degradedTtlMs: config.limits.degradedTtlMs,
    },
    holds: (appId) => holds(agent, appId),
    previousSecrets: (appId) => report.counts.previousSecrets.shown(appId),
    onError: report.redisFailed,
  });
  const agent: Agent<SoketiAppObject> = new Agent<SoketiAppObject>({
    ...config,
    bus: redis.isDoubtful
      ? requireLog(link.bus, { log: config.names.log, redis: redis.description })
      : link.bus,
    source: tableSource({
      server,
      manager,
      appClass: soketi.App as SoketiAppClass,
      onProblems: report.itemProblems,
      budgetMs: config.limits.loadBudgetMs,
      onThrottled: () => agent.connections.pace.throttled(),
    }),
    connections: soketiConnections(server),
    connectionLimits: config.enforceLimits ? soketiConnectionLimits(server) : undefined,
    onGone: (appId) => formerApps.gone(appId),
    isSame: (left, right) =>
      isDeepStrictEqual(left.toObject(), right.toObject()) &&
      isDeepStrictEqual(previousSecretOf(left), previousSecretOf(right)),
    report: {
      ...report,
      heartbeatFailed(error) {
        // The connection is well: nothing is gained by another.
        if (error instanceof NoLogError) report.logMissing(error);
        else link.heartbeatFailed(error);
      },
    },
    clock: createSuspensionClock({ monotonic: () => performance.now(), wall: Date.now }),
    now: Date.now,
  });
  const formerApps = forgetFormerApps(server, (appId) => agent.cache.peek(appId) !== undefined);
  link.start(agent);
  endWith(server, link.stop);
  return agent;
}

function holds(agent: Agent<SoketiAppObject>, appId: string): CachedEntry | null {
  const held = agent.cache.inspect(appId);
  if (!held) return null;
  const app = held.app && publicViewOfCached(held.app.toObject() as Record<string, unknown>);
  return { ...held, app: app ?? null, readMsAgo: Math.round(held.readMsAgo) };
}

/** Connections that soketi closes in its grace period still look their apps up: ours go last. */
function endWith(server: SoketiServer, end: () => Promise<void>): void {
  const stop = server.stop.bind(server);
  server.stop = () => {
    let stopped: Promise<unknown>;
    try {
      stopped = stop();
    } catch (error) {
      // One that is not up yet throws, in soketi's handler of uncaught errors, and that ends the process. As a
      // rejection it would come back to that handler, for ever.
      void end();
      throw error;
    }
    return stopped.finally(end);
  };
}
