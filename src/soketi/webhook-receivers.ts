import { BoundedMap } from "../agent/bounded-map.ts";
import type { WebhookDropReason } from "../agent/webhook-drop-reasons.ts";

/** Requests to one receiver that are on their way at the same time: each has a connection, and a process has only so many. */
const MAX_SENDING = 250;

/** To all receivers together. With so many, one has no more than a few: an app may have many that do not answer. */
const MAX_SENDING_OF_NODE = 5_000;
const FEW = 10;

/** What may wait in memory for that, at most: for all receivers together, and for one a quarter of it. */
const MAX_WAITING = { items: 10_000, bytes: 32_000_000 };
const MAX_WAITING_FOR_ONE = { items: 2_500, bytes: 8_000_000 };

/** Most receivers that are remembered as not answering. */
const MAX_SLOW = 10_000;

/** Why there is no place for a request. */
export type NoPlace = Extract<WebhookDropReason, "no-answer" | "shutdown">;

interface Waiting {
  readonly bytes: number;
  readonly settle: (outcome: "place" | NoPlace) => void;
}

interface Sending {
  count: number;
  readonly waiting: Waiting[];
  waitingBytes: number;
}

/**
 * How many requests are on their way to each receiver of an app, and whether it answers: one that does not is not to take
 * the connections, the memory or the queue of the others, of the same app or of another.
 */
export class WebhookReceivers {
  readonly #sending = new Map<string, Sending>();
  readonly #slow = new BoundedMap<true>(MAX_SLOW);
  readonly #waiting = { items: 0, bytes: 0 };
  #sendingOfNode = 0;
  #isStopped = false;

  /** Whether its last request that was settled had no answer in time. */
  isSlow(receiver: string): boolean {
    return this.#slow.has(receiver);
  }

  /** Takes a place. False: there is none. */
  begin(receiver: string): boolean {
    const sending = this.#sending.get(receiver) ?? { count: 0, waiting: [], waitingBytes: 0 };
    if (sending.count >= (this.#sendingOfNode < MAX_SENDING_OF_NODE ? MAX_SENDING : FEW)) return false;
    sending.count += 1;
    this.#sendingOfNode += 1;
    this.#sending.set(receiver, sending);
    return true;
  }

  /**
   * Takes a place as soon as there is one, in order. There will be none when too much waits already, or when the receiver
   * does not answer.
   */
  async beginLater(receiver: string, bytes: number): Promise<"place" | NoPlace> {
    if (this.#isStopped) return "shutdown";
    if (this.begin(receiver)) return "place";
    const sending = this.#sending.get(receiver);
    if (!sending || this.isSlow(receiver) || !this.#hasRoom(sending, bytes)) return "no-answer";
    sending.waitingBytes += bytes;
    this.#waiting.items += 1;
    this.#waiting.bytes += bytes;
    return new Promise((settle) => sending.waiting.push({ bytes, settle }));
  }

  /** Gives a place back, to who has waited longest. */
  end(receiver: string): void {
    const sending = this.#sending.get(receiver);
    if (!sending) return;
    const next = sending.waiting.shift();
    if (next) {
      this.#leave(sending, next, "place");
      return;
    }
    sending.count -= 1;
    this.#sendingOfNode -= 1;
    if (sending.count === 0) this.#sending.delete(receiver);
  }

  answered(receiver: string): void {
    this.#slow.delete(receiver);
  }

  /** Whoever waits is told so: it would be long. */
  unanswered(receiver: string): void {
    this.#slow.set(receiver, true);
    this.#refuse(receiver, "no-answer");
  }

  /** Nobody waits any more: the node stops. */
  stop(): void {
    this.#isStopped = true;
    for (const receiver of [...this.#sending.keys()]) this.#refuse(receiver, "shutdown");
  }

  #hasRoom({ waiting, waitingBytes }: Sending, bytes: number): boolean {
    return (
      waiting.length < MAX_WAITING_FOR_ONE.items &&
      waitingBytes + bytes <= MAX_WAITING_FOR_ONE.bytes &&
      this.#waiting.items < MAX_WAITING.items &&
      this.#waiting.bytes + bytes <= MAX_WAITING.bytes
    );
  }

  #refuse(receiver: string, why: NoPlace): void {
    const sending = this.#sending.get(receiver);
    for (const one of sending?.waiting.splice(0) ?? []) if (sending) this.#leave(sending, one, why);
  }

  #leave(sending: Sending, { bytes, settle }: Waiting, outcome: "place" | NoPlace): void {
    sending.waitingBytes -= bytes;
    this.#waiting.items -= 1;
    this.#waiting.bytes -= bytes;
    settle(outcome);
  }
}
