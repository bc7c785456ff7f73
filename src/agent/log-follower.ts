import { decodeInvalidations, type LogEntry, parseLive } from "../protocol/live.ts";
import type { MessageId } from "../protocol/message-id.ts";
import { OtherServerError } from "./errors.ts";
import type { FlushReason } from "./flush-reasons.ts";
import type { LogFollowerOptions } from "./follower-options.ts";
import { type FollowerEvent, type FollowerState, TRANSITIONS } from "./follower-state.ts";
import { inSlices } from "./in-slices.ts";
import { LiveSession } from "./live-session.ts";
import { isUpToDate, type Position, readMissed } from "./missed-messages.ts";
import type { Tail } from "./ports.ts";

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
  readonly #options: LogFollowerOptions;
  #state: FollowerState = "down";
  #cursor: MessageId | undefined;
  #server: string | undefined;
  /** Why the next sync must flush, whatever it reads. At first: what was loaded so far proves nothing. */
  #distrust: FlushReason | undefined = "first-sync";
  readonly #session = new LiveSession();
  #syncRunning = false;
  /** Syncs in a row that read nothing new. */
  #fruitlessSyncs = 0;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
  }

  get state(): FollowerState {
    return this.#state;
  }

  get cursor(): MessageId | undefined {
    return this.#cursor;
  }

  /**
   * The subscription is acknowledged: from now on nothing published is missed.
   *
   * @param run of the server, where only one may be subscribed to.
   */
  async onSubscribed(run?: string): Promise<void> {
    this.#session.begin(run);
    this.#step("subscribed");
    await this.#sync();
  }

  /** The subscription is gone. The lease is not taken away: it runs out, and says what it always said. */
  onLost(): void {
    this.#session.end();
    this.#step("lost");
  }

  /** One payload of the live channel. */
  onLive(payload: string): void {
    if (this.#state === "down") return;
    const entry = parseLive(payload);
    if (!entry) {
      this.#options.target.flush("unreadable-message");
      return;
    }
    if (!this.#session.goesUp(entry.id)) {
      // The flush alone would leave what it names to be served while the table cannot be read.
      this.#actOn(entry);
      this.#restart("sequence-backwards");
    } else if (this.#state === "syncing") this.#wait(entry);
    else if (this.#isRepeat(entry)) this.#actOn(entry);
    else this.#follow(entry);
  }

  /**
   * It was replayed before it came; or another server gives the number again, and does not say who it is. What it says is
   * acted on, as with those that wait.
   */
  #isRepeat({ id }: LogEntry): boolean {
    const cursor = this.#cursor;
    return cursor?.epoch === id.epoch && id.seq <= cursor.seq;
  }

  /**
   * Asks for the log's end, and renews the lease when the cursor is there. A cursor behind the tail is the sign of a
   * lost message, also of the last one: it is replayed at once.
   *
   * @throws what the bus throws, or OtherServerError; the lease is then left to run out.
   */
  async heartbeat(): Promise<void> {
    if (this.#state === "syncing") {
      await this.#sync();
      return;
    }
    const session = this.#session.number;
    const askedAt = this.#options.clock();
    const cursorThen = this.#cursor;
    const tail = await this.#options.bus.heartbeat();
    if (session !== this.#session.number || this.#state !== "following") return;
    this.#assertSameServer(tail);
    if (isUpToDate(this.#position, tail, cursorThen)) this.#renew(tail, askedAt);
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
      for (let session = -1; session !== this.#session.number && this.#isSyncing();) {
        session = this.#session.number;
        const askedAt = knownTail ? askedBefore : this.#options.clock();
        const tail = knownTail ?? (await this.#options.bus.heartbeat());
        knownTail = undefined;
        if (session === this.#session.number) this.#assertSameServer(tail);
        const replay = this.#distrust ?? (await readMissed(this.#options.bus, this.#position, tail));
        // Before any of it counts as applied: to forget an app too early costs a read, also if this sync comes to nothing.
        if (typeof replay !== "string")
          await inSlices(replay, this.#options.clock, (entry) => this.#actOn(entry));
        if (session === this.#session.number) this.#finishSync(tail, replay, askedAt);
      }
    } finally {
      this.#syncRunning = false;
    }
  }

  #finishSync(tail: Tail, replay: readonly LogEntry[] | FlushReason, askedAt: number): void {
    const waiting = this.#session.takeWaiting();
    const isSurelyThere = this.#session.isNew && this.#session.isSurelyOn(tail.run);
    const isOther = this.#distrust !== "first-sync" && this.#server !== tail.server;
    this.#session.isNew = false;
    this.#distrust = undefined;
    this.#server = tail.server;
    this.#step("synced");
    if (typeof replay === "string") {
      // While the cursor still says that a log was followed: that is what makes a new epoch worth telling of.
      this.#options.target.flush(replay);
      this.#cursor = tail.last;
      // Messages of the former server may still be on their way here, with numbers that this one gives again.
      if (isOther && !isSurelyThere) {
        this.#leaveSubscription();
        return;
      }
    } else {
      if (replay.length > 0) this.stats.replays += 1;
      this.stats.replayedMessages += replay.length;
      this.stats.messages += replay.length;
      this.#cursor = replay.at(-1)?.id ?? this.#cursor;
    }
    this.#renew(tail, askedAt);
    this.#fruitlessSyncs = replay.length > 0 ? 0 : this.#fruitlessSyncs + 1;
    for (const entry of waiting) {
      // After a hole among the waiting ones, the rest waits for the next sync.
      if (this.#isSyncing()) this.#session.wait(entry);
      else this.#follow(entry);
    }
  }

  /** A server that does not say who it is could be another one each time: nothing it says proves anything. */
  #renew(tail: Tail, askedAt: number): void {
    if (tail.server !== undefined) this.#options.lease.renew(askedAt);
  }

  /** What is written to one server would not be received from another. @throws OtherServerError */
  #assertSameServer({ run }: Tail): void {
    if (!this.#session.isElsewhere(run)) return;
    this.#leaveSubscription();
    throw new OtherServerError();
  }

  #leaveSubscription(): void {
    this.onLost();
    this.#options.bus.resubscribe();
  }

  /** One live message while following: the next one is applied, a hole is replayed. One that has waited may be a repeat. */
  #follow(entry: LogEntry): void {
    const cursor = this.#cursor;
    if (cursor?.epoch !== entry.id.epoch) {
      // What came before in this epoch is covered by the flush.
      this.#options.target.flush("new-epoch");
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
      this.#options.onGap();
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
    if (decoded.kind === "changes") this.#options.target.apply(decoded.message, entry.id);
    else this.#options.target.flush(decoded.kind === "flush" ? "requested" : "unreadable-message");
  }

  #restart(reason: FlushReason): void {
    this.#options.target.flush(reason);
    this.#distrust = reason;
    this.#session.distrust();
    this.#step("gap");
    this.#options.onGap();
  }

  /**
   * Its turn comes after what was missed. What it says is acted on now all the same: to forget an app too early costs a
   * read, to serve it after its message has arrived would break a promise.
   */
  #wait(entry: LogEntry): void {
    this.#actOn(entry);
    this.#session.wait(entry);
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
