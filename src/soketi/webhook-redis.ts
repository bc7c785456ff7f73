import { randomUUID } from "node:crypto";
import type { RetryQueue } from "./retry-queue.ts";
import { webhookData, type WebhookReporter } from "./webhook-parts.ts";

/** Of BullMQ (1.80 to 1.91). */
interface BullQueue extends Emitter {
  add(name: string, data: unknown, options?: object): Promise<unknown>;
}

interface Emitter {
  on(event: "error", listener: (error: unknown) => void): unknown;
}

export interface RedisQueueDriver {
  readonly queueWithWorker: Map<string, { queue: BullQueue; worker: Emitter; scheduler: Emitter }>;
}

/**
 * soketi's `redis` queue: a job that Redis does not take, being read-only or out of memory, is a rejection that ends the
 * process, and BullMQ writes what nobody listens for to standard error, whole, each time.
 */
export function guardRedisQueue(
  driver: RedisQueueDriver,
  queueName: string,
  retries: RetryQueue,
  report: WebhookReporter,
): void {
  const parts = driver.queueWithWorker.get(queueName);
  if (!parts) return;
  for (const part of [parts.queue, parts.worker, parts.scheduler]) part.on("error", report.webhooksFailed);
  const add = parts.queue.add.bind(parts.queue);
  parts.queue.add = (name, data, options) =>
    new Promise((resolve) => {
      const appId = webhookData(data)?.appId ?? "(unknown)";
      // With an id of its own a job that was taken without an answer is not taken twice.
      const withId = { ...options, jobId: randomUUID() };
      void retries.submit({
        key: `${queueName} ${appId}`,
        bytes: () => Buffer.byteLength(JSON.stringify(data ?? null)),
        attempt: async () => {
          try {
            resolve(await add(name, data, withId));
            return true;
          } catch (error) {
            report.webhooksFailed(error);
            report.webhookRetried(appId);
            return false;
          }
        },
        giveUp: (why) => {
          report.webhookDropped(why ?? "queue-failed", appId);
          resolve(undefined);
        },
      });
    });
}
