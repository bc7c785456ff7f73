import type { ChangesMessage } from "../protocol/message.ts";
import { AppCache } from "./app-cache.ts";
import { type FlushReason, LogFollower } from "./log-follower.ts";
import type { AppIdentity, AppSource, Bus, MonotonicClock } from "./ports.ts";

/** What the agent tells about itself. Nothing in it holds a secret; nothing here may throw. */
export interface AgentReporter {
  /** One app was forgotten. `lagMs`: since the pipeline was invoked, between two hosts' clocks. */
  dropped(appId: string, type: string, lagMs: number): void;
  flushed(reason: FlushReason): void;
  leaseChanged(held: boolean): void;
  heartbeatFailed(error: unknown): void;
  /** The table could not be read. `what` names the app id or key. */
  loadFailed(what: string, error: unknown): void;
}

export interface AgentParts<A> {
  readonly bus: Bus;
  readonly source: AppSource<A>;
  readonly report: AgentReporter;
  readonly clock: MonotonicClock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly degradedTtlMs: number;
}

/** The agent of one soketi process: a cache of apps that the log keeps true. */
export interface Agent<A extends AppIdentity> {
  readonly cache: AppCache<A>;
  readonly follower: LogFollower;
  /** Starts the heartbeat. */
  start(): void;
  stop(): void;
}

/**
 * Puts follower and cache together: log -> drop -> reload. Who uses it feeds `follower` from a subscription, and
 * looks apps up in `cache`.
 */
export function createAgent<A extends AppIdentity>(parts: AgentParts<A>): Agent<A> {
  const { report, clock } = parts;
  let heldBefore = false;
  let timer: NodeJS.Timeout | undefined;

  function onChanges(message: ChangesMessage): void {
    for (const change of message.changes) {
      const wanted = cache.holds(change.appId);
      cache.apply(change);
      report.dropped(change.appId, change.type, parts.now() - message.at);
      // An app that was in use is read again at once, so that the next client does not wait for it.
      if (wanted) void cache.findById(change.appId);
    }
  }

  function onFlush(reason: FlushReason): void {
    cache.flush();
    report.flushed(reason);
  }

  function beat(): void {
    follower
      .heartbeat()
      .catch((error: unknown) => {
        report.heartbeatFailed(error);
      })
      .finally(noteLease);
  }

  function noteLease(): void {
    const held = clock() < follower.leaseUntil;
    if (held !== heldBefore) report.leaseChanged(held);
    heldBefore = held;
  }

  const follower = new LogFollower({
    bus: parts.bus,
    target: { apply: onChanges, flush: onFlush },
    clock,
    leaseMs: parts.leaseMs,
    onGap: beat,
  });
  const cache = new AppCache<A>({
    source: parts.source,
    clock,
    leaseUntil: () => follower.leaseUntil,
    degradedTtlMs: parts.degradedTtlMs,
    onLoadFailed: (what, error) => {
      report.loadFailed(what, error);
    },
  });
  return {
    cache,
    follower,
    start() {
      timer ??= setInterval(beat, parts.heartbeatMs);
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
