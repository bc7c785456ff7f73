import type { LogEntry } from "../protocol/live.ts";
import type { MessageId } from "../protocol/message-id.ts";

/** Live messages that wait during a sync. Those past it are dropped: a hole, which the next sync replays. */
const MAX_WAITING = 10_000;

/** What is known of the subscription of now, from its acknowledgement to its loss. */
export class LiveSession {
  /** Counts subscriptions, so that an answer to a question of an earlier one is dropped. */
  number = 0;
  /** No heartbeat has been compared with it yet. */
  isNew = false;
  #run: string | undefined;
  /** The newest message that came over it: ids may only go up. */
  #last: MessageId | undefined;
  #waiting: LogEntry[] = [];

  /** @param run of the server that acknowledged it; undefined where it does not have to be the log's. */
  begin(run: string | undefined): void {
    this.end();
    this.#last = undefined;
    this.#run = run;
    this.isNew = true;
  }

  /** What was asked before proves nothing any more. */
  end(): void {
    this.number += 1;
    this.#waiting = [];
  }

  /** Something contradicts what came over it. */
  distrust(): void {
    this.#last = undefined;
    // A sync under way has asked before the doubt: its answer must not settle it.
    this.number += 1;
  }

  /** It is known to be on the server with this run id. */
  isSurelyOn(run: string | undefined): boolean {
    return this.#run !== undefined && this.#run === run;
  }

  /** It is known to be on another server: what this one takes is not heard of. */
  isElsewhere(run: string | undefined): boolean {
    return this.#run !== undefined && run !== undefined && this.#run !== run;
  }

  /** @returns false when the log lost its end, and uses its numbers again. */
  goesUp(id: MessageId): boolean {
    if (this.#last?.epoch === id.epoch && id.seq <= this.#last.seq) return false;
    this.#last = id;
    return true;
  }

  wait(entry: LogEntry): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(entry);
  }

  takeWaiting(): readonly LogEntry[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
