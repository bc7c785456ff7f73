import { isDeepStrictEqual } from "node:util";
import { openAgentLink } from "../adapters/agent-link.ts";
import { ioredis } from "../adapters/ioredis.ts";
import { Agent } from "../agent/agent.ts";
import type { AppSource } from "../agent/ports.ts";
import type { App } from "../app/app.ts";
import { toPublicView } from "../app/public-view.ts";
import type { CacheLimits } from "../agent/app-cache.ts";
import type { FollowEvents } from "./follow.ts";
import type { LinkSettings } from "./settings.ts";

/** Of the package. Declared here too: the types of the library are made without src/globals.d.ts. */
declare const __VERSION__: string;

/** As the agent's own defaults: docs/agent.md. Milliseconds but for the entries. */
export const DEFAULT_LIMITS: CacheLimits = {
  degradedTtlMs: 5_000,
  maxStaleOnErrorMs: 60_000,
  loadBudgetMs: 5_000,
  missingKeyTtlMs: 1_000,
  maxEntries: 100_000,
};

/** The agent of soketi's nodes in another program, which has no connections to bring in line. */
export function startAgent<A extends App>(
  settings: LinkSettings,
  events: FollowEvents,
  source: AppSource<A>,
  limits: CacheLimits = DEFAULT_LIMITS,
  verifyEveryMs = 0,
): { agent: Agent<A>; ready: Promise<void>; stop: () => Promise<void> } {
  let reached: () => void;
  const ready = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const { onChange, onFlush, onLease } = events;
  const onFailure = failureTeller(events);
  // The agent goes on whatever its listeners do.
  const tell = <T>(listener: ((value: T) => void) | undefined, value: T) => {
    try {
      listener?.(value);
    } catch (error) {
      onFailure(error);
    }
  };
  const link = openAgentLink({
    ...settings,
    library: ioredis,
    settings: settings.redis,
    identity: { agent: __VERSION__ },
    holds: (appId) => {
      const held = agent.cache.inspect(appId);
      return held ? { ...held, app: held.app && toPublicView(held.app) } : null;
    },
    onError: onFailure,
  });
  const agent: Agent<A> = new Agent<A>({
    ...settings,
    limits,
    bus: link.bus,
    source,
    connections: { appIds: () => [], has: () => false, of: () => [] },
    isSame: isDeepStrictEqual,
    reloadJitterMs: 0,
    verifyEveryMs,
    closeOn: new Set(),
    closesPerSecond: 1,
    clock: () => performance.now(),
    now: Date.now,
    report: {
      dropped: (change) => {
        tell(onChange, change);
      },
      flushed: (reason) => {
        tell(onFlush, reason);
      },
      leaseChanged(held) {
        if (held) reached();
        tell(onLease, held);
      },
      heartbeatFailed: link.heartbeatFailed,
      loadFailed: (_what, error) => {
        onFailure(error);
      },
      connectionsRefreshed: () => undefined,
      staleFound: (appId) => {
        onFailure(
          new Error(`app ${appId} had changed in the table, and no message told of it: it was read again`),
        );
      },
    },
  });
  link.start(agent);
  return { agent, ready, stop: link.stop };
}

/** Without a listener a failure is a warning of Node's. One that throws itself ends the process, as in any event. */
function failureTeller({ onError }: FollowEvents): (error: unknown) => void {
  if (!onError) {
    return (error) => {
      process.emitWarning(error instanceof Error ? error.message : String(error), "soketi-app-sync");
    };
  }
  return (error) => {
    try {
      onError(error);
    } catch (thrown) {
      setImmediate(() => {
        throw thrown;
      });
    }
  };
}
