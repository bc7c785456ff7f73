import { NoWebhookQueueError } from "./errors.ts";
import type { SoketiQueues } from "./server.ts";
import { webhookData, type WebhookReporter } from "./webhook-parts.ts";
import { wrap } from "./wrap.ts";

export interface ServerModeOptions {
  readonly queues: SoketiQueues;
  /** soketi's `mode` and `queue.driver`. */
  readonly mode: string;
  readonly driver: string;
  /** A queue of BullMQ's was just opened. */
  readonly onOpened: (queueName: string) => void;
  readonly report: WebhookReporter;
}

/**
 * soketi makes a queue where it processes it, in the modes `full` and `worker`, and drops without a word what has none: all
 * webhooks of a node in mode `server`, with the `redis` and `sync` drivers. One in Redis is opened here, for the workers of
 * other nodes. (dist/queues/redis-queue-driver.js, sync-queue-driver.js.)
 */
export function queueInServerMode({ queues, mode, driver, onOpened, report }: ServerModeOptions): void {
  const open = queues.processQueue.bind(queues);
  const opened = new Set<string>();
  let isTold = false;
  wrap(queues, "addToQueue", (add) => (name, data) => {
    if (!hasQueue(queues.driver, name) && isRedis(queues.driver) && !opened.has(name)) {
      // Once: each try makes connections.
      opened.add(name);
      // Without a function to call, BullMQ's worker takes no jobs.
      open(name, undefined).catch(report.webhooksFailed);
      onOpened(name);
    }
    if (hasQueue(queues.driver, name)) return add(name, data);
    if (!isTold) report.webhooksFailed(new NoWebhookQueueError(mode, driver));
    isTold = true;
    report.webhookDropped("queue-failed", webhookData(data)?.appId ?? "(unknown)");
    return Promise.resolve();
  });
}

function isRedis(driver: object | undefined): boolean {
  return driver !== undefined && "queueWithWorker" in driver;
}

/** The sqs driver needs none. */
function hasQueue(
  driver: { queueWithWorker?: unknown; queues?: unknown } | undefined,
  name: string,
): boolean {
  if (!driver) return false;
  const made = driver.queueWithWorker ?? driver.queues;
  return !(made instanceof Map) || made.has(name);
}
