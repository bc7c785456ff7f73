import { isDeepStrictEqual } from "node:util";
import { type AgentLink, openAgentLink } from "../redis/agent-link.ts";
import { ioredis } from "../redis/ioredis.ts";
import { Agent } from "../agent/agent.ts";
import { DEFAULT_CLOSE_CODES } from "../agent/close-causes.ts";
import { createSuspensionClock } from "../agent/suspension-clock.ts";
import { NoLogError } from "../agent/errors.ts";
import type { AppSource, Bus } from "../agent/ports.ts";
import { requireLog } from "../agent/require-log.ts";
import { describeRedis } from "../config/describe-redis.ts";
import type { App } from "../app/app.ts";
import { toPublicView } from "../app/public-view.ts";
import type { FollowEvents, Listeners } from "./events.ts";
import { createReadiness } from "./readiness.ts";
import { reporterOf } from "./reporter.ts";
import { createWholeChanges } from "./whole-changes.ts";
import type { Settings } from "./settings.ts";

/** Of the package. Declared here too: the types of the library are made without src/globals.d.ts. */
declare const __VERSION__: string;

export interface StartedAgent {
  readonly agent: Agent<App>;
  /** Resolves when the log was reached for the first time; rejects when that can no longer be. */
  readonly ready: Promise<void>;
  readonly isClosed: () => boolean;
  /** May be called again. */
  readonly close: () => Promise<void>;
}

/** The agent of soketi's nodes in another program, which has no connections to update. */
export function startAgent(
  settings: Settings,
  events: FollowEvents,
  listeners: Listeners,
  source: AppSource<App>,
): StartedAgent {
  const { ready, reached, closed } = createReadiness();
  let closing: Promise<void> | undefined;
  /** What was under way when it was closed fails for that reason alone. */
  const failed = (error: unknown) => {
    if (!closing) listeners.failed(error);
  };
  const link = openAgentLink({
    ...settings,
    library: ioredis,
    settings: settings.redis,
    identity: {
      agent: __VERSION__,
      role: "follower",
      leaseMs: settings.leaseMs,
      degradedTtlMs: settings.limits.degradedTtlMs,
    },
    holds: (appId) => {
      const held = agent.cache.inspect(appId);
      return held ? { ...held, app: held.app && toPublicView(held.app) } : null;
    },
    onError: failed,
  });
  const agent: Agent<App> = new Agent<App>({
    ...settings,
    bus: busOf(link, settings),
    source,
    connections: { appIds: () => [], has: () => false, of: () => [] },
    isSame: isDeepStrictEqual,
    closeOn: new Set(),
    closeCodes: DEFAULT_CLOSE_CODES,
    clock: createSuspensionClock({ monotonic: () => performance.now(), wall: Date.now }),
    now: Date.now,
    report: {
      ...reporterOf(events, listeners, createWholeChanges(link.bus), reached),
      heartbeatFailed(error) {
        // The connection is well: nothing is gained by another.
        if (error instanceof NoLogError) failed(error);
        else link.heartbeatFailed(error);
      },
    },
  });
  link.start(agent);
  return {
    agent,
    ready,
    isClosed: () => closing !== undefined,
    close() {
      closed();
      return (closing ??= link.stop());
    },
  };
}

/** A `REDIS_URL` may be the program's own: it proves nothing before the pipeline's log is in it. */
function busOf({ bus }: AgentLink, { redis, doubtfulVariable, names }: Settings): Bus {
  if (doubtfulVariable === undefined) return bus;
  return requireLog(bus, { log: names.log, redis: `${describeRedis(redis)} (${doubtfulVariable})` });
}
