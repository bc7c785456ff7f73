import { performance } from "node:perf_hooks";
import type { AppCache } from "../agent/app-cache.ts";
import { within } from "../async/within.ts";
import { RetryQueue } from "./retry-queue.ts";
import type {
  SoketiAppClass,
  SoketiAppManager,
  SoketiAppObject,
  SoketiQueues,
  SoketiServer,
  SoketiWebhookSender,
} from "./server.ts";
import { WebhookApps } from "./webhook-apps.ts";
import { WebhookBatches } from "./webhook-batches.ts";
import { WebhookDelivery } from "./webhook-delivery.ts";
import type { MakeLambdaClient } from "./webhook-lambda.ts";
import type { WebhookReporter } from "./webhook-parts.ts";
import { WebhookQueue } from "./webhook-queue.ts";
import type { HttpClient } from "./webhook-requests.ts";
import { guardRepeats } from "./webhook-repeats.ts";
import { guardRedisQueue, type RedisQueueDriver } from "./webhook-redis.ts";
import { queueInServerMode } from "./webhook-server-mode.ts";
import { wrap } from "./wrap.ts";
import { type SqsDriver, WebhookSqs } from "./webhook-sqs.ts";

/** What may wait in this process' memory, and how long. */
const RETRY_LIMITS = { maxAgeMs: 600_000, maxItems: 10_000, maxBytes: 32_000_000 };

/** How long a node that stops waits for its queue, and then for webhooks that are on their way. Milliseconds. */
const QUEUE_END_MS = 3_000;
const LAST_MS = 5_000;

export interface WebhookGuardOptions {
  readonly server: SoketiServer;
  readonly manager: SoketiAppManager;
  readonly appClass: SoketiAppClass;
  readonly cache: Pick<AppCache<SoketiAppObject>, "findById" | "inspect">;
  readonly makeLambdaClient: MakeLambdaClient;
  readonly http: HttpClient | undefined;
  readonly report: WebhookReporter;
  readonly closesPerSecond: number;
}

/**
 * Has webhooks survive every change of their app, and every outage, between soketi's queues and its worker (soketi 1.4.0 to
 * 1.6.1, dist/webhook-sender.js and dist/queues). Call it after the manager's lookups were taken over.
 *
 * @returns what is to be told of changes of apps.
 */
export function guardWebhooks(options: WebhookGuardOptions): WebhookApps["changed"] {
  const { server, report } = options;
  const clock = () => performance.now();
  const apps = new WebhookApps({ ...options, clock, now: Date.now });
  const retries = new RetryQueue({ clock, ...RETRY_LIMITS });
  const delivery = new WebhookDelivery({ ...options, apps });
  const batches = new WebhookBatches({
    durationMs: server.options.webhooks.batching.duration,
    send: (app, events, queueName) => {
      reporting(report, () => server.webhookSender?.sendWebhook(app, events, queueName));
    },
  });
  wrap(server, "setQueueManager", (setQueueManager) => (queues) => {
    const sqs = guardQueues(queues, server, { delivery, retries, report });
    endInOrder(queues, { batches, delivery, retries, report }, sqs);
    return setQueueManager(queues);
  });
  wrap(server, "setWebhookSender", (setWebhookSender) => () => {
    const set = setWebhookSender();
    if (server.webhookSender) guardSender(server.webhookSender, { apps, batches, report });
    return set;
  });
  return (change, held) => apps.changed(change, held);
}

/** What webhooks go through. */
interface Parts {
  readonly apps: WebhookApps;
  readonly batches: WebhookBatches;
  readonly retries: RetryQueue;
  readonly delivery: WebhookDelivery;
  readonly report: WebhookReporter;
}

function guardQueues(
  queues: SoketiQueues,
  { options }: SoketiServer,
  { delivery, retries, report }: Pick<Parts, "delivery" | "retries" | "report">,
): WebhookSqs | undefined {
  const driver = queues.driver ?? {};
  const sqs =
    "queueWithConsumer" in driver ? new WebhookSqs(driver as SqsDriver, retries, report) : undefined;
  const queue = new WebhookQueue({
    delivery,
    retries,
    report,
    now: Date.now,
    takeUnacknowledge: () => sqs?.takeUnacknowledge(),
  });
  const guard = (name: string) => {
    sqs?.guard(name);
    if ("queueWithWorker" in driver) guardRedisQueue(driver as RedisQueueDriver, name, retries, report);
  };
  queueInServerMode({
    queues,
    mode: options.mode,
    driver: options.queue?.driver ?? "sync",
    onOpened: guard,
    report,
  });
  wrap(queues, "processQueue", (processQueue) => (name, worker) => {
    const started = processQueue(name, worker && queue.callback(worker));
    guard(name);
    return started;
  });
  return sqs;
}

/** What has happened before the node stops is sent, or is in the queue, before soketi ends the process. */
function endInOrder(
  queues: SoketiQueues,
  { batches, retries, delivery, report }: Pick<Parts, "batches" | "retries" | "delivery" | "report">,
  sqs: WebhookSqs | undefined,
): void {
  wrap(queues, "disconnect", (disconnect) => async () => {
    batches.flush();
    // BullMQ waits for a Redis that is away, and soketi would never stop.
    await within(QUEUE_END_MS, "the queue to end", disconnect()).catch(report.webhooksFailed);
    const last = retries
      .tried()
      .then(() => delivery.idle())
      .then(() => sqs?.answered());
    await within(LAST_MS, "the last webhooks to be sent", last).catch(report.webhooksFailed);
    sqs?.stop();
    delivery.stop();
    retries.stop();
  });
}

function guardSender(
  sender: SoketiWebhookSender,
  { apps, batches, report }: Pick<Parts, "apps" | "batches" | "report">,
): void {
  guardRepeats(sender);
  wrap(sender, "send", (send) => (app, data, queueName) => {
    reporting(report, () => {
      apps.remember(app);
      send(app, data, queueName);
    });
  });
  sender.sendWebhookByBatching = (app, event, queueName) => {
    batches.add(app, event, queueName);
  };
}

function reporting(report: WebhookReporter, work: () => void): void {
  try {
    work();
  } catch (error) {
    report.webhooksFailed(error);
  }
}
