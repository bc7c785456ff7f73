import type { Agent } from "../agent/agent.ts";
import type { App } from "../app/app.ts";
import type { Change } from "../protocol/message.ts";
import { startAgent } from "./start-agent.ts";
import { type LinkOptions, readLinkSettings } from "./settings.ts";

/** What a follower is told. Nothing of it holds a secret. What a listener throws is told to `onError`. */
export interface FollowEvents {
  /** This app changed: forget it, and void reads of it that are under way. */
  readonly onChange?: (change: Change) => void;
  /** Something may have been missed, or everything changed: forget all apps. Comes first when the log is first reached. */
  readonly onFlush?: (reason: string) => void;
  /** Whether it is proven from now on that nothing was missed. */
  readonly onLease?: (held: boolean) => void;
  /** Redis or the table failed. It goes on by itself; the lease runs out meanwhile. Without it: a warning of Node's. */
  readonly onError?: (error: unknown) => void;
}

export type FollowOptions = LinkOptions & FollowEvents;

export interface Follower {
  /** Whether it is proven now that no change was missed. Read it at each use: it ends with time, without an event. */
  readonly fresh: boolean;
  /** Resolves when the log was reached for the first time. */
  readonly ready: Promise<void>;
  /** Id of the last message applied; empty before the first sync, and while there is no log. */
  readonly cursor: string;
  /** Leaves the registry and ends the connections. */
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
  const settings = readLinkSettings(options);
  const started = startAgent<App>(settings, options, {
    // Nobody looks anything up.
    loadById: () => Promise.resolve(undefined),
    resolveKey: () => Promise.resolve(undefined),
  });
  return followerOf(started.agent, started.ready, started.stop);
}

export function followerOf(agent: Agent<App>, ready: Promise<void>, stop: () => Promise<void>): Follower {
  return {
    get fresh() {
      return agent.leaseHeld;
    },
    get cursor() {
      return agent.status().cursor;
    },
    ready,
    close: stop,
  };
}
