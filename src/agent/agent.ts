import type { Change, ChangesMessage } from "../protocol/message.ts";
import { formatMessageId, type MessageId } from "../protocol/message-id.ts";
import type { NodeStatus } from "../protocol/node.ts";
import { AppCache } from "./app-cache.ts";
import type { CacheLimits } from "./cache-options.ts";
import { type CloseCause, LiveSockets } from "./live-sockets.ts";
import type { FlushReason } from "./flush-reasons.ts";
import { Lease } from "./lease.ts";
import { LogFollower } from "./log-follower.ts";
import type { AppIdentity, AppSource, Bus, Connections, MonotonicClock } from "./ports.ts";
import { RecentMessages } from "./recent-messages.ts";
import { Verifier } from "./verifier.ts";

/** What the agent tells about itself. Nothing in it holds a secret; nothing here may throw. */
export interface AgentReporter {
  /** One app was forgotten. Lags in milliseconds, between the clocks of two hosts. */
  dropped(
    change: Change,
    lag: { readonly sinceInvoked: number; readonly sinceWritten?: number | undefined },
  ): void;
  flushed(reason: FlushReason): void;
  leaseChanged(held: boolean): void;
  heartbeatFailed(error: unknown): void;
  /** The table could not be read. `what` names the app id or key. */
  loadFailed(what: string, error: unknown): void;
  connectionsRefreshed(appId: string, replaced: number, closed: number): void;
  staleFound(appId: string): void;
}

/** All times in milliseconds. */
export interface AgentSettings {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly limits: CacheLimits;
  /** An app in use is read again within this time after its drop, at random: nodes must not all read at once. */
  readonly reloadJitterMs: number;
  /** One cached app is verified this often. 0: none. */
  readonly verifyEveryMs: number;
  readonly closeOn: ReadonlySet<CloseCause>;
  readonly closesPerSecond: number;
}

export interface AgentOptions<A> extends AgentSettings {
  readonly bus: Bus;
  readonly source: AppSource<A>;
  readonly connections: Connections<A>;
  readonly isSame: (left: A, right: A) => boolean;
  readonly report: AgentReporter;
  readonly clock: MonotonicClock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How long the verifier waits for a message that explains a difference. A stream may be seconds behind. */
const VERIFIER_GRACE_MS = 30_000;

/**
 * The agent of one soketi process: log -> drop -> reload -> refresh of open connections. Who uses it feeds `follower`
 * from a subscription, and looks apps up in `cache`.
 */
export class Agent<A extends AppIdentity & { readonly enabled: boolean }> {
  readonly lease: Lease;
  readonly follower: LogFollower;
  readonly cache: AppCache<A>;
  readonly sockets: LiveSockets<A>;
  readonly verifier: Verifier<A>;
  /** Since the start. */
  readonly flushes = new Map<FlushReason, number>();
  /** What tools are told of the last messages. */
  readonly recent = new RecentMessages();
  readonly #options: AgentOptions<A>;
  readonly #timers = new Set<NodeJS.Timeout>();
  #leaseHeldBefore = false;
  #beating = false;
  #beatWanted = false;
  /** Of the last message: from the pipeline's invocation to the drop. */
  #lastLagMs = 0;

  constructor(options: AgentOptions<A>) {
    const { report, clock, source } = options;
    this.#options = options;
    this.lease = new Lease({ clock, leaseMs: options.leaseMs });
    this.follower = new LogFollower({
      bus: options.bus,
      target: {
        apply: (message, id) => this.#onChanges(message, id),
        flush: (reason) => this.#onFlush(reason),
      },
      clock,
      lease: this.lease,
      onGap: () => void this.beat(),
    });
    this.cache = new AppCache<A>({
      source,
      clock,
      lease: this.lease,
      limits: options.limits,
      isSame: options.isSame,
      onChanged: (appId) => this.sockets.refresh(appId),
      onLoadFailed: (what, error) => report.loadFailed(what, error),
    });
    this.sockets = new LiveSockets<A>({
      connections: options.connections,
      lookup: (appId) => this.cache.lookup(appId),
      clock,
      closeOn: options.closeOn,
      closesPerSecond: options.closesPerSecond,
      onRefreshed: (appId, replaced, closed) => report.connectionsRefreshed(appId, replaced, closed),
    });
    this.verifier = new Verifier<A>({
      cache: this.cache,
      read: (appId) => source.loadById(appId),
      isSame: options.isSame,
      clock,
      graceMs: VERIFIER_GRACE_MS,
      leaseHeld: () => this.leaseHeld,
      onDifference: (appId) => this.sockets.refresh(appId),
      onStale: (appId) => report.staleFound(appId),
    });
  }

  get leaseHeld(): boolean {
    return this.lease.isHeld;
  }

  /** What the registry shows of this node. */
  status(): NodeStatus {
    const { cursor, state } = this.follower;
    const { hits, misses, loads } = this.cache.stats;
    return {
      cursor: cursor ? formatMessageId(cursor) : "",
      state,
      leaseMsLeft: Math.round(this.lease.msLeft),
      entries: this.cache.size,
      lagMs: this.#lastLagMs,
      hits,
      misses,
      reads: loads + this.cache.indexQueries,
    };
  }

  /** The subscription is acknowledged. */
  async subscribed(): Promise<void> {
    await this.#guarded(() => this.follower.onSubscribed());
  }

  /** Starts heartbeat and verifier. */
  start(): void {
    const { heartbeatMs, verifyEveryMs, report } = this.#options;
    this.#timers.add(setInterval(() => void this.beat(), heartbeatMs));
    if (verifyEveryMs === 0) return;
    const verify = () => {
      this.verifier.step().catch((error: unknown) => {
        report.loadFailed("an app to verify", error);
      });
    };
    this.#timers.add(setInterval(verify, verifyEveryMs));
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.sockets.stop();
  }

  /** One heartbeat at a time; asked for while one is under way, another follows it. Never rejects. */
  async beat(): Promise<void> {
    this.#beatWanted = true;
    if (this.#beating) return;
    this.#beating = true;
    while (this.#beatWanted) {
      this.#beatWanted = false;
      await this.#guarded(() => this.follower.heartbeat());
    }
    this.#beating = false;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.report.heartbeatFailed(error);
    }
    const held = this.leaseHeld;
    if (held !== this.#leaseHeldBefore) this.#options.report.leaseChanged(held);
    this.#leaseHeldBefore = held;
  }

  #onChanges(message: ChangesMessage, id: MessageId): void {
    const now = this.#options.now();
    this.#lastLagMs = now - message.at;
    this.recent.add(id, this.#lastLagMs);
    for (const change of message.changes) {
      const wanted = this.cache.holds(change.appId) || this.#options.connections.has(change.appId);
      this.cache.apply(change);
      this.verifier.explained(change.appId);
      const sinceWritten = change.writtenAt === undefined ? undefined : now - change.writtenAt;
      this.#options.report.dropped(change, { sinceInvoked: now - message.at, sinceWritten });
      if (wanted) this.#reloadSoon(change.appId);
    }
  }

  #onFlush(reason: FlushReason): void {
    this.cache.flush();
    this.verifier.explainedAll();
    this.flushes.set(reason, (this.flushes.get(reason) ?? 0) + 1);
    this.#options.report.flushed(reason);
    // Open connections hold apps of before as well.
    this.sockets.refreshAll();
  }

  /** An app in use is read again, so that the next client does not wait, and its connections follow. */
  #reloadSoon(appId: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.sockets.refresh(appId);
    }, Math.random() * this.#options.reloadJitterMs);
    this.#timers.add(timer);
  }
}
