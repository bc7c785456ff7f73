import type { Invalidations } from "../protocol/live.ts";
import { formatMessageId, type MessageId } from "../protocol/message-id.ts";
import type { NodeStatus } from "../protocol/node.ts";
import type { AgentOptions } from "./agent-options.ts";
import { AppCache } from "./app-cache.ts";
import type { FlushReason } from "./flush-reasons.ts";
import { Lease } from "./lease.ts";
import { LogFollower } from "./log-follower.ts";
import { OpenConnections } from "./open-connections.ts";
import type { AppIdentity, Tail } from "./ports.ts";
import { RecentFlushes } from "./recent-flushes.ts";
import { RecentMessages } from "./recent-messages.ts";
import { Verifier } from "./verifier.ts";

/** Without a lease, apps in use are read again no more often than this. Milliseconds. */
const MIN_ROUND_MS = 1_000;

const SWEEP_EVERY_MS = 1_000;
/** How long the verifier waits for a message that explains a difference. A stream may be seconds behind. */
const VERIFIER_GRACE_MS = 30_000;

/**
 * The agent of one soketi process: log -> drop or doubt -> reload -> refresh of open connections. Who uses it feeds
 * `follower` from a subscription, and looks apps up in `cache`.
 */
export class Agent<A extends AppIdentity & { readonly enabled: boolean }> {
  readonly lease: Lease;
  readonly follower: LogFollower;
  readonly cache: AppCache<A>;
  readonly connections: OpenConnections<A>;
  readonly verifier: Verifier<A>;
  /** Since the start. */
  readonly flushes = new Map<FlushReason, number>();
  /** What tools are told of the last messages. */
  readonly recent = new RecentMessages();
  readonly recentFlushes: RecentFlushes;
  /** What the last heartbeat has found. */
  lastTail: Tail | undefined;
  readonly #options: AgentOptions<A>;
  readonly #timers = new Set<NodeJS.Timeout>();
  #leaseHeldBefore = false;
  #isBeating = false;
  #isBeatWanted = false;
  /** Of the last message: from the pipeline's invocation to the drop. */
  #lastLagMs = 0;

  constructor(options: AgentOptions<A>) {
    const { clock, report } = options;
    this.#options = options;
    this.recentFlushes = new RecentFlushes(clock);
    this.lease = new Lease({ clock, leaseMs: options.leaseMs });
    this.follower = this.#createFollower(options);
    this.cache = new AppCache<A>({
      source: options.source,
      clock,
      lease: this.lease,
      limits: options.limits,
      isSame: options.isSame,
      onChanged: (appId, app) => {
        this.connections.follow(appId, app);
        if (!app) options.onGone?.(appId);
      },
      onLoadFailed: (what, error) => report.loadFailed(what, error),
    });
    this.connections = new OpenConnections<A>({
      ...options,
      cache: this.cache,
      isLeaseHeld: () => this.leaseHeld,
      roundEveryMs: Math.max(MIN_ROUND_MS, options.limits.degradedTtlMs),
      onRefreshed: (appId, replaced, closed) => report.connectionsRefreshed(appId, replaced, closed),
    });
    this.verifier = this.#createVerifier(options);
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
      appsInUse: this.connections.revalidator.appsInUse,
      inUseBoundMs: Math.round(this.connections.revalidator.boundMs),
    };
  }

  /** The subscription is acknowledged, by the server with this run id. */
  async subscribed(run?: string): Promise<void> {
    await this.#guarded(() => this.follower.onSubscribed(run));
  }

  /** Starts heartbeat, revalidator and verifier. */
  start(): void {
    const { heartbeatMs, verifyEveryMs, report } = this.#options;
    this.#timers.add(setInterval(() => void this.beat(), heartbeatMs));
    this.#timers.add(setInterval(() => this.cache.sweep(), SWEEP_EVERY_MS));
    this.connections.start();
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
    this.connections.stop();
  }

  /** One heartbeat at a time; asked for while one is under way, another follows it. Never rejects. */
  async beat(): Promise<void> {
    this.#isBeatWanted = true;
    if (this.#isBeating) return;
    this.#isBeating = true;
    while (this.#isBeatWanted) {
      this.#isBeatWanted = false;
      await this.#guarded(() => this.follower.heartbeat());
    }
    this.#isBeating = false;
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

  #onChanges(message: Invalidations, id: MessageId): void {
    const now = this.#options.now();
    this.#lastLagMs = now - message.at;
    this.recent.add(id, this.#lastLagMs);
    for (const change of message.changes) {
      const wanted = this.cache.holds(change.appId) || this.#options.connections.has(change.appId);
      this.cache.apply(change);
      this.verifier.explained(change.appId);
      const sinceWritten = change.writtenAt === undefined ? undefined : now - change.writtenAt;
      this.#options.report.dropped(change, { sinceInvoked: now - message.at, sinceWritten }, id);
      if (change.type === "deleted") this.#options.onGone?.(change.appId);
      if (wanted) this.#reloadSoon(change.appId);
    }
  }

  #onFlush(reason: FlushReason): void {
    this.cache.flush();
    this.verifier.explainedAll();
    this.flushes.set(reason, (this.flushes.get(reason) ?? 0) + 1);
    // The log's first message: a new deployment, and nothing that somebody must look into.
    if (reason !== "new-epoch" || this.follower.cursor) this.recentFlushes.add(reason);
    this.#options.report.flushed(reason);
    // Open connections hold apps of before as well.
    this.connections.revalidator.doubtAll();
  }

  /** An app in use is read again, so that the next client does not wait, and its connections follow. */
  #reloadSoon(appId: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.connections.revalidator.named(appId);
    }, Math.random() * this.#options.reloadJitterMs);
    this.#timers.add(timer);
  }

  #createFollower({ bus, clock }: AgentOptions<A>): LogFollower {
    return new LogFollower({
      bus: {
        heartbeat: async () => {
          const tail = await bus.heartbeat();
          this.lastTail = tail;
          if (tail.nodes !== undefined) this.connections.pace.fleetHas(tail.nodes);
          return tail;
        },
        read: (after, last) => bus.read(after, last),
        resubscribe: () => bus.resubscribe(),
      },
      target: {
        apply: (message, id) => this.#onChanges(message, id),
        flush: (reason) => this.#onFlush(reason),
      },
      clock,
      lease: this.lease,
      onGap: () => void this.beat(),
    });
  }

  #createVerifier({ source, isSame, clock, report }: AgentOptions<A>): Verifier<A> {
    return new Verifier<A>({
      cache: this.cache,
      read: (appId) => source.loadById(appId),
      isSame,
      clock,
      graceMs: VERIFIER_GRACE_MS,
      leaseHeld: () => this.leaseHeld,
      onDifference: (appId) => this.connections.revalidator.named(appId),
      onStale: (appId) => report.staleFound(appId),
    });
  }
}
