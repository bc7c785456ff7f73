import type { QueueCallback, SoketiJob } from "./server.ts";
import type { WebhookDropReason } from "../agent/webhook-drop-reasons.ts";
import { backoff } from "../async/backoff.ts";
import { WebhookLaterError } from "./errors.ts";
import type { RetryQueue } from "./retry-queue.ts";
import type { Delivery, WebhookDelivery } from "./webhook-delivery.ts";
import { type SoketiWorker, webhookData, type WebhookReporter } from "./webhook-parts.ts";

type Later = Extract<Delivery, { kind: "later" }>["why"];

/**
 * How old a webhook may be that goes back to its queue. Milliseconds. SQS has a limit of its own for messages that nobody
 * takes. An app that is gone may be remembered by another node of the fleet.
 */
const MAX_AGE_MS: Record<"redis" | "sqs", Record<Later, number>> = {
  redis: { "table-unreadable": 3_600_000, "app-gone": 600_000, "no-answer": 600_000 },
  sqs: { "table-unreadable": Infinity, "app-gone": 600_000, "no-answer": 600_000 },
};

/** Longest pause before BullMQ gives a job again. Milliseconds. */
const MAX_PAUSE_MS = 30_000;

export interface WebhookQueueOptions {
  readonly delivery: WebhookDelivery;
  /** For the sync queue, which keeps nothing. */
  readonly retries: RetryQueue;
  readonly report: WebhookReporter;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * Has the message that is being handled given again, instead of answering it. With the sqs queue only, and only while the
   * callback is being called.
   */
  readonly takeUnacknowledge: () => (() => void) | undefined;
}

/** What soketi's queues call instead of its worker. Each job is answered once, as its queue wants it. */
export class WebhookQueue {
  readonly #options: WebhookQueueOptions;

  constructor(options: WebhookQueueOptions) {
    this.#options = options;
  }

  callback(worker: SoketiWorker): QueueCallback {
    return (job, second) => {
      // BullMQ's is a text.
      if (typeof second !== "function") return this.#fromRedis(job, worker);
      const done = second as () => void;
      const unacknowledge = this.#options.takeUnacknowledge();
      if (unacknowledge) void this.#fromSqs(job, worker, done, unacknowledge);
      else void this.#fromMemory(job, worker, done);
      return undefined;
    };
  }

  /** Resolves once the webhook is on its way, as soketi does: a slow receiver is not to hold up the others. */
  async #fromRedis(job: SoketiJob, worker: SoketiWorker): Promise<void> {
    const delivery = await this.#options.delivery.deliver(job, worker);
    if (delivery.kind === "sent" || !this.#mayWait("redis", job, delivery.why)) return;
    // For this attempt's end only: BullMQ looks at them when the promise is rejected, and does not store them.
    const { attemptsMade = 0, opts } = job;
    if (opts) {
      opts.attempts = attemptsMade + 2;
      opts.backoff = { type: "fixed", delay: backoff(attemptsMade, 1_000, MAX_PAUSE_MS) };
    }
    throw new WebhookLaterError(delivery.why);
  }

  async #fromSqs(
    job: SoketiJob,
    worker: SoketiWorker,
    done: () => void,
    unacknowledge: () => void,
  ): Promise<void> {
    const delivery = await this.#options.delivery.deliver(job, worker);
    if (delivery.kind === "later" && this.#mayWait("sqs", job, delivery.why)) {
      unacknowledge();
      return;
    }
    if (delivery.kind === "sent") await delivery.answered;
    done();
  }

  async #fromMemory(job: SoketiJob, worker: SoketiWorker, done: () => void): Promise<void> {
    const { delivery: deliveries, retries, report } = this.#options;
    const appId = appIdOf(job);
    const bytes = Buffer.byteLength(JSON.stringify(job.data ?? null));
    let last: WebhookDropReason = "table-unreadable";
    await retries.submit({
      key: appId,
      bytes: () => bytes,
      attempt: async () => {
        const delivery = await deliveries.deliver(job, worker, false);
        if (delivery.kind === "sent") {
          void delivery.answered.then(done);
          return true;
        }
        last = delivery.why;
        if (last === "table-unreadable") {
          report.webhookRetried(appId);
          return false;
        }
        report.webhookDropped(last, appId);
        done();
        return true;
      },
      giveUp: (why) => {
        report.webhookDropped(why ?? last, appId);
        done();
      },
    });
  }

  #mayWait(queue: "redis" | "sqs", job: SoketiJob, why: Later): boolean {
    const { report, now } = this.#options;
    const age = now() - (webhookData(job.data)?.payload.time_ms ?? 0);
    const may = age <= MAX_AGE_MS[queue][why];
    if (may) report.webhookRetried(appIdOf(job));
    else report.webhookDropped(why, appIdOf(job));
    return may;
  }
}

function appIdOf(job: SoketiJob): string {
  return webhookData(job.data)?.appId ?? "(unknown)";
}
