import type { SoketiAppObject } from "./server.ts";

/** The longest timer of Node's, 24 days: a longer one is over after 1 ms. Milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A batch is sent before its time when its events take this much: SQS takes 256 KB. Bytes of JSON. */
const MAX_BYTES = 128_000;

export interface WebhookBatchesOptions {
  /** How long a batch is open after its first event. Milliseconds. */
  readonly durationMs: number;
  readonly send: (app: SoketiAppObject, events: object[], queueName: string) => void;
}

interface Batch {
  readonly app: SoketiAppObject;
  readonly queueName: string;
  readonly events: object[];
  bytes: number;
  readonly timer: NodeJS.Timeout;
}

/** Batches of events, each of one app. soketi has one batch for all apps, sent to the receivers of the first one's. */
export class WebhookBatches {
  readonly #durationMs: number;
  readonly #send: WebhookBatchesOptions["send"];
  readonly #batches = new Map<string, Batch>();
  #isFlushed = false;

  constructor({ durationMs, send }: WebhookBatchesOptions) {
    this.#durationMs = Math.min(durationMs, MAX_TIMER_MS);
    this.#send = send;
  }

  add(app: SoketiAppObject, event: object, queueName: string): void {
    if (this.#isFlushed) {
      this.#send(app, [event], queueName);
      return;
    }
    const bytes = Buffer.byteLength(JSON.stringify(event));
    const open = this.#batches.get(app.id);
    if (open && open.bytes + bytes > MAX_BYTES) this.#close(app.id);
    const batch = this.#batches.get(app.id) ?? this.#open(app, queueName);
    batch.events.push(event);
    batch.bytes += bytes;
  }

  /** Sends what is open, and from now on each event by itself: the node stops, before any timer may be due. */
  flush(): void {
    this.#isFlushed = true;
    for (const appId of [...this.#batches.keys()]) this.#close(appId);
  }

  #open(app: SoketiAppObject, queueName: string): Batch {
    const timer = setTimeout(() => {
      this.#close(app.id);
    }, this.#durationMs);
    const batch = { app, queueName, events: [], bytes: 0, timer };
    this.#batches.set(app.id, batch);
    return batch;
  }

  #close(appId: string): void {
    const batch = this.#batches.get(appId);
    if (!batch) return;
    clearTimeout(batch.timer);
    this.#batches.delete(appId);
    this.#send(batch.app, batch.events, batch.queueName);
  }
}
