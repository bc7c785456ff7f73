import { BoundedMap } from "../agent/bounded-map.ts";

/** Webhooks of one app that are on their way at the same time: each has a connection, and a process has only so many. */
const MAX_SENDING = 250;

/** What of one app waits for that, at most: a quarter of what may wait in memory for all apps together. */
const MAX_WAITING = 2_500;
const MAX_WAITING_BYTES = 8_000_000;

/** Most apps that are remembered for receivers that do not answer. */
const MAX_SLOW = 10_000;

interface Waiting {
  readonly bytes: number;
  readonly begin: (hasPlace: boolean) => void;
}

interface Sending {
  count: number;
  readonly waiting: Waiting[];
  waitingBytes: number;
}

/**
 * How many webhooks of each app are on their way to its receivers, and whether these answer: who does not answer is not to
 * take the connections, the memory or the queue of the other apps.
 */
export class WebhookReceivers {
  readonly #sending = new Map<string, Sending>();
  readonly #slow = new BoundedMap<true>(MAX_SLOW);

  /** Whether the app's last webhook that was settled had no answer in time. */
  isSlow(appId: string): boolean {
    return this.#slow.has(appId);
  }

  /** Takes a place. False: there is none. */
  begin(appId: string): boolean {
    const sending = this.#sending.get(appId) ?? { count: 0, waiting: [], waitingBytes: 0 };
    if (sending.count >= MAX_SENDING) return false;
    sending.count += 1;
    this.#sending.set(appId, sending);
    return true;
  }

  /**
   * Takes a place as soon as there is one, in order. False: too much of the app waits already, or its receivers do not
   * answer.
   */
  async beginLater(appId: string, bytes: number): Promise<boolean> {
    if (this.begin(appId)) return true;
    const sending = this.#sending.get(appId);
    if (!sending || this.isSlow(appId)) return false;
    if (sending.waiting.length >= MAX_WAITING || sending.waitingBytes + bytes > MAX_WAITING_BYTES)
      return false;
    sending.waitingBytes += bytes;
    return new Promise((begin) => sending.waiting.push({ bytes, begin }));
  }

  /** Gives a place back, to who has waited longest. */
  end(appId: string): void {
    const sending = this.#sending.get(appId);
    if (!sending) return;
    const next = sending.waiting.shift();
    if (next) {
      sending.waitingBytes -= next.bytes;
      next.begin(true);
      return;
    }
    sending.count -= 1;
    if (sending.count === 0) this.#sending.delete(appId);
  }

  answered(appId: string): void {
    this.#slow.delete(appId);
  }

  /** Whoever waits is told so: it would be long. */
  unanswered(appId: string): void {
    this.#slow.set(appId, true);
    const sending = this.#sending.get(appId);
    if (!sending) return;
    for (const { begin } of sending.waiting.splice(0)) begin(false);
    sending.waitingBytes = 0;
  }

  /** Nobody waits any more: the node stops. */
  stop(): void {
    for (const appId of [...this.#sending.keys()]) this.unanswered(appId);
  }
}
