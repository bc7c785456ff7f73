import { decodeInvalidations, type Invalidations, type LogEntry, parseLive } from "../protocol/live.ts";
import type { MessageId } from "../protocol/message-id.ts";
import type { FlushReason } from "./flush-reasons.ts";
import { type FollowerEvent, type FollowerState, TRANSITIONS } from "./follower-state.ts";
import type { Lease } from "./lease.ts";
import { isUpToDate, type Position, readMissed } from "./missed-messages.ts";
import type { Bus, MonotonicClock, Tail } from "./ports.ts";

/** Who acts on what the log says. Must not throw. */
export interface FollowerTarget {
  apply(message: Invalidations, id: MessageId): void;
  flush(reason: FlushReason): void;
}

/** Live messages that wait during a sync. Those past it are dropped: a hole, which the next sync replays. */
const MAX_WAITING = 10_000;

/** After so many syncs in a row that read nothing new, a hole is left to the heartbeats: they find what the log has. */
const MAX_FRUITLESS_SYNCS = 2;

/**
 * Follows the log without missing a message, or flushes. Knows no sockets and no timers: it is told when the
 * subscription is acknowledged or lost, what came over it, and when a heartbeat is due.
 *
 * Invariant: while `following`, everything up to the cursor has been applied. The lease says until when that may be
 * believed of the log's *end*: it is renewed only when the cursor agrees with a tail that was asked for at that time.
 */
export class LogFollower {
  /** Since the start: messages applied, and how many of them by replay. */
  readonly stats = { messages: 0, replays: 0, replayedMessages: 0 };
  readonly #bus: Bus;
  readonly #target: FollowerTarget;
  readonly #clock: MonotonicClock;
  readonly #lease: Lease;
  readonly #onGap: () => void;
  #state: FollowerState = "down";
  #cursor: MessageId | undefined;
  #server: string | undefined;
  /** Why the next sync must flush, whatever it reads. At first: what was loaded so far proves nothing. */
  #distrust: FlushReason | undefined = "first-sync";
  /** Sequence of the newest message that came live on this subscription: they may only go up. */
  #lastLive: MessageId | undefined;
  #waiting: LogEntry[] = [];
  /** Counts subscriptions, so that an answer to a question of an earlier one is dropped. */
  #session = 0;
  #syncRunning = false;
  /** Syncs in a row that read nothing new. */
  #fruitlessSyncs = 0;

  constructor(options: {
    readonly bus: Bus;
    readonly target: FollowerTarget;
    readonly clock: MonotonicClock;
    /** Renewed by each heartbeat that finds nothing missed. */
    readonly lease: Lease;
    /** A hole was found: a heartbeat should come now rather than in its time. */
    readonly onGap: () => void;
  }) {
    this.#bus = options.bus;
    this.#target = options.target;
    this.#clock = options.clock;
    this.#lease = options.lease;
    this.#onGap = options.onGap;
  }

  get state(): FollowerState {
    return this.#state;
  }

  get cursor(): MessageId | undefined {
    return this.#cursor;
  }

  /** The subscription is acknowledged: from now on nothing published is missed. */
  async onSubscribed(): Promise<void> {
    this.#session += 1;
    this.#waiting = [];
    this.#lastLive = undefined;
    this.#step("subscribed");
    await this.#sync();
  }

  /** The subscription is gone. The lease is not taken away: it runs out, and says what it always said. */
  onLost(): void {
    this.#session += 1;
    this.#waiting = [];
    this.#step("lost");
  }

  /** One payload of the live channel. */
  onLive(payload: string): void {
    if (this.#state === "down") return;
    const entry = parseLive(payload);
    if (!entry) {
      this.#target.flush("unreadable-message");
      return;
    }
    if (this.#runsBackwards(entry.id)) {
      this.#restart("sequence-backwards");
      return;
    }
    this.#lastLive = entry.id;
    if (this.#state === "syncing") this.#wait(entry);
    else this.#follow(entry);
  }

  /**
   * Asks for the log's end, and renews the lease when the cursor is there. A cursor behind the tail is the sign of a
   * lost message, also of the last one: it is replayed at once.
   *
   * @throws what the bus throws; the lease is then left to run out.
   */
  async heartbeat(): Promise<void> {
    if (this.#state === "syncing") {
      await this.#sync();
      return;
    }
    const session = this.#session;
    const askedAt = this.#clock();
    const cursorThen = this.#cursor;
    const tail = await this.#bus.heartbeat();
    if (session !== this.#session || this.#state !== "following") return;
    if (isUpToDate(this.#position, tail, cursorThen)) this.#lease.renew(askedAt);
    else {
      this.#step("gap");
      await this.#sync(tail, askedAt);
    }
  }

  /** Reads what was missed and goes on live; flushes unless the replay is complete. One at a time. */
  async #sync(knownTail?: Tail, askedBefore = 0): Promise<void> {
    if (this.#syncRunning || this.#state !== "syncing") return;
    this.#syncRunning = true;
    try {
      // A session that ends meanwhile starts a sync of its own as soon as this one has ended.
      for (let session = -1; session !== this.#session && this.#isSyncing();) {
        session = this.#session;
        const askedAt = knownTail ? askedBefore : this.#clock();
        const tail = knownTail ?? (await this.#bus.heartbeat());
        knownTail = undefined;
        const replay = this.#distrust ?? (await readMissed(this.#bus, this.#position, tail));
        if (session === this.#session) this.#finishSync(tail, replay, askedAt);
      }
    } finally {
      this.#syncRunning = false;
    }
  }

  #finishSync(tail: Tail, replay: readonly LogEntry[] | FlushReason, askedAt: number): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#distrust = undefined;
    this.#server = tail.server;
    this.#step("synced");
    if (typeof replay === "string") {
      this.#cursor = tail.last;
      this.#target.flush(replay);
    } else {
      if (replay.length > 0) this.stats.replays += 1;
      this.stats.replayedMessages += replay.length;
      for (const entry of replay) this.#apply(entry);
    }
    this.#lease.renew(askedAt);
    this.#fruitlessSyncs = replay.length > 0 ? 0 : this.#fruitlessSyncs + 1;
    for (const entry of waiting) {
      // After a hole among the waiting ones, the rest waits for the next sync.
      if (this.#isSyncing()) this.#waiting.push(entry);
      else this.#follow(entry);
    }
  }

  /** One live message while following: the next one is applied, a hole is replayed, a repeat is nothing new. */
  #follow(entry: LogEntry): void {
    const cursor = this.#cursor;
    if (cursor?.epoch !== entry.id.epoch) {
      // What came before in this epoch is covered by the flush.
      this.#target.flush("new-epoch");
      this.#apply(entry);
    } else if (entry.id.seq === cursor.seq + 1) {
      this.#apply(entry);
    } else if (entry.id.seq > cursor.seq) {
      if (this.#fruitlessSyncs >= MAX_FRUITLESS_SYNCS) {
        // It is in no log: a failover lost it, or somebody made it up. Kept, it would have all that follows wait with it.
        this.#actOn(entry);
        return;
      }
      this.#step("gap");
      this.#wait(entry);
      // What came while the tail was asked for is in the next one.
      this.#onGap();
    }
  }

  #apply(entry: LogEntry): void {
    this.#cursor = entry.id;
    this.#fruitlessSyncs = 0;
    this.stats.messages += 1;
    this.#actOn(entry);
  }

  #actOn(entry: LogEntry): void {
    const decoded = decodeInvalidations(entry.json);
    if (decoded.kind === "changes") this.#target.apply(decoded.message, entry.id);
    else this.#target.flush(decoded.kind === "flush" ? "requested" : "unreadable-message");
  }

  /** Live ids on one subscription only go up. If not, the log lost its end and uses the numbers again. */
  #runsBackwards(id: MessageId): boolean {
    return this.#lastLive?.epoch === id.epoch && id.seq <= this.#lastLive.seq;
  }

  #restart(reason: FlushReason): void {
    this.#target.flush(reason);
    this.#distrust = reason;
    this.#lastLive = undefined;
    // A sync under way has asked before the doubt: its answer must not settle it.
    this.#session += 1;
    this.#step("gap");
    this.#onGap();
  }

  /**
   * Its turn comes after what was missed. What it says is acted on now all the same: to forget an app too early costs a
   * read, to serve it after its message has arrived would break a promise.
   */
  #wait(entry: LogEntry): void {
    this.#actOn(entry);
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(entry);
  }

  get #position(): Position {
    return { cursor: this.#cursor, server: this.#server };
  }

  #step(event: FollowerEvent): void {
    this.#state = TRANSITIONS[this.#state][event];
  }

  #isSyncing(): boolean {
    return this.#state === "syncing";
  }
}
