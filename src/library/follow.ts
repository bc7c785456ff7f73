import { type FollowEvents, guardListeners, listenerMistakes } from "./events.ts";
import { type LinkOptions, readSettings } from "./settings.ts";
import { startAgent, type StartedAgent } from "./start-agent.ts";

export type FollowOptions = LinkOptions & FollowEvents;

export interface Follower {
  /** Whether it is proven now that no change was missed. Read it at each use: it ends with time, without an event. */
  readonly fresh: boolean;
  /** Resolves when the log was reached for the first time. Rejects when it is closed before. */
  readonly ready: Promise<void>;
  /** Id of the last message applied; empty before the first sync, and while there is no log. */
  readonly cursor: string;
  /** Leaves the registry and ends the connections. Until then the process does not end by itself. Never rejects. */
  close(): Promise<void>;
}

/**
 * Follows the invalidations of an apps table with the agent's guarantees: what is missed is replayed, and what cannot be
 * replayed is a flush.
 *
 * It tells what to forget. Who caches apps must also void reads that a change overtakes: `openApps` does.
 *
 * @example
 * const follower = follow({ redis: "redis://localhost", onChange: ({ appId }) => cache.delete(appId), onFlush: () => cache.clear() });
 * @throws ConfigError with every mistake.
 */
export function follow(options: FollowOptions): Follower {
  // Nobody looks anything up, and nothing is cached that could be verified.
  const source = {
    loadById: () => Promise.resolve(undefined),
    resolveKey: () => Promise.resolve(undefined),
  };
  const settings = { ...readSettings(options, listenerMistakes(options)), verifyEveryMs: 0 };
  return followerOf(startAgent(settings, options, guardListeners(options), source));
}

export function followerOf({ agent, ready, isClosed, close }: StartedAgent): Follower {
  return {
    get fresh() {
      return !isClosed() && agent.leaseHeld;
    },
    get cursor() {
      return agent.status().cursor;
    },
    ready,
    close,
  };
}
