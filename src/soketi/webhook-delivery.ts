import { createHmac } from "node:crypto";
import type { WebhookDropReason } from "../agent/webhook-drop-reasons.ts";
import type { SoketiAppManager, SoketiAppObject, SoketiJob } from "./server.ts";
import type { WebhookApps } from "./webhook-apps.ts";
import { isSafeWebhook, type MakeLambdaClient } from "./webhook-lambda.ts";
import { type SoketiWorker, type WebhookData, webhookData, type WebhookReporter } from "./webhook-parts.ts";
import { WebhookReceivers } from "./webhook-receivers.ts";
import { type HttpClient, WebhookRequests } from "./webhook-requests.ts";
import { targetsOf, type WebhookTarget, withWebhook } from "./webhook-targets.ts";

/**
 * What receivers have for an answer. soketi sets them no limit, and one that never answers would hold up the webhooks of
 * all apps. Less than the 30 s for which SQS hides a message by default. Milliseconds.
 */
const ANSWER_LIMIT_MS = 20_000;

type Later = Extract<WebhookDropReason, "app-gone" | "table-unreadable" | "no-answer">;

/** What became of a job: it is on its way, and its queue need not wait after `answered`; or it cannot be sent now. */
export type Delivery =
  | { readonly kind: "sent"; readonly answered: Promise<void> }
  | { readonly kind: "later"; readonly why: Later };

export interface WebhookDeliveryOptions {
  readonly manager: SoketiAppManager;
  readonly apps: WebhookApps;
  readonly makeLambdaClient: MakeLambdaClient;
  readonly http: HttpClient | undefined;
  readonly report: WebhookReporter;
}

const ANSWERED: Delivery = { kind: "sent", answered: Promise.resolve() };

/** What soketi's worker is called with, once for each webhook. */
interface Sent {
  readonly job: SoketiJob;
  readonly data: WebhookData;
  readonly app: SoketiAppObject;
  readonly worker: SoketiWorker;
}

/**
 * Hands queued webhooks to soketi's worker, with the app of now. The worker looks the app up by the key that the job was
 * queued with, drops what another secret signed, and ends the process when there is no such app. So the job gets the key and
 * the signature of now, and the worker's lookup the very app that these were taken from. The worker is done with a job when
 * all webhooks of the app have an answer: it gets them one by one, so that each receiver has its own end.
 */
export class WebhookDelivery {
  readonly #apps: WebhookApps;
  readonly #makeLambdaClient: MakeLambdaClient;
  readonly #report: WebhookReporter;
  readonly #requests: WebhookRequests;
  readonly #receivers = new WebhookReceivers();
  readonly #inFlight = new Set<Promise<void>>();
  /** The answer to the lookup that the worker makes while it is being called. */
  #handed: Promise<SoketiAppObject> | undefined;

  constructor({ manager, apps, makeLambdaClient, http, report }: WebhookDeliveryOptions) {
    this.#apps = apps;
    this.#requests = new WebhookRequests(http);
    this.#makeLambdaClient = makeLambdaClient;
    this.#report = report;
    const findByKey = manager.findByKey.bind(manager);
    manager.findByKey = (key) => this.#handed ?? findByKey(key);
  }

  /**
   * Never rejects. Each webhook is sent once or, where its receiver has too many requests already, waits in memory. A job goes
   * back to its queue when that is so of all: it would come again to those that had it.
   *
   * @param comesAgain whether the queue gives a job again that cannot be sent now.
   */
  async deliver(job: SoketiJob, worker: SoketiWorker, comesAgain = true): Promise<Delivery> {
    const data = webhookData(job.data);
    if (!data) {
      this.#report.webhookDropped("unreadable-job", "(unknown)");
      return ANSWERED;
    }
    const app = await this.#find(data);
    if (typeof app === "string") return { kind: "later", why: app };
    const targets = targetsOf(app, data.payload.events);
    const safe = targets.filter(({ webhook }) => isSafeWebhook(webhook, this.#makeLambdaClient));
    const begun = new Set(safe.filter(({ receiver }) => this.#receivers.begin(receiver)));
    if (comesAgain && safe.length > 0 && begun.size === 0) return { kind: "later", why: "no-answer" };
    for (let i = safe.length; i < targets.length; i += 1)
      this.#report.webhookDropped("lambda-options", app.id);
    const sent = { job, data, app, worker };
    const answers = safe.map((target) => {
      // The queue has waited for a slow receiver once; and after the time of two, SQS would give the job again.
      const isWaitedFor = begun.has(target) && !this.#receivers.isSlow(target.receiver);
      const answer = begun.has(target) ? this.#send(sent, target) : this.#sendLater(sent, target);
      this.#inFlight.add(answer);
      void answer.then(() => this.#inFlight.delete(answer));
      return isWaitedFor ? answer : Promise.resolve();
    });
    return { kind: "sent", answered: Promise.all(answers).then(() => undefined) };
  }

  /** Resolves when soketi is done with all that was handed to it, and nothing waits for that. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  /** Nothing waits any more to be handed to soketi. */
  stop(): void {
    this.#receivers.stop();
  }

  /** The app of a webhook, or why it is not there. */
  async #find({ appId, payload }: WebhookData): Promise<SoketiAppObject | Later> {
    try {
      return (await this.#apps.find(appId, payload.time_ms)) ?? "app-gone";
    } catch {
      // The cache has reported what it was.
      return "table-unreadable";
    }
  }

  /** Once there is a place, with the app as it is by then. */
  async #sendLater(sent: Sent, { receiver, id }: WebhookTarget): Promise<void> {
    const { data, app } = sent;
    const bytes = Buffer.byteLength(JSON.stringify(data));
    const outcome = await this.#receivers.beginLater(receiver, bytes);
    if (outcome !== "place") {
      this.#report.webhookDropped(outcome, app.id);
      return;
    }
    const found = await this.#find(data);
    // It was known when the event happened: an outage since then is no reason to drop the webhook.
    const current = typeof found === "string" ? app : found;
    const target = targetsOf(current, data.payload.events).find((one) => one.id === id);
    if (target && isSafeWebhook(target.webhook, this.#makeLambdaClient))
      await this.#send({ ...sent, app: current }, target);
    else this.#receivers.end(receiver);
  }

  /** The receiver has a place for it. Resolves when soketi is done, or its time is over. */
  #send({ job, data, app, worker }: Sent, { receiver, webhook, events }: WebhookTarget): Promise<void> {
    return new Promise((resolve) => {
      const limit = new AbortController();
      const timer = setTimeout(() => {
        this.#report.webhookDropped("no-answer", app.id);
        this.#receivers.unanswered(receiver);
        limit.abort();
        resolve();
      }, ANSWER_LIMIT_MS);
      const end = () => {
        clearTimeout(timer);
        // Once: soketi's worker may fail after it was done.
        if (!isOver) this.#receivers.end(receiver);
        isOver = true;
        resolve();
      };
      let isOver = false;
      const answer = () => {
        if (!limit.signal.aborted) this.#receivers.answered(receiver);
        end();
      };
      const failed = (error: unknown) => {
        this.#report.webhooksFailed(error);
        end();
      };
      const send = (listener: () => unknown) => this.#requests.endingWith(limit.signal, listener);
      this.#handed = observed(withWebhook(app, webhook), send, failed);
      try {
        worker(signedBy(app, job, { ...data, payload: { ...data.payload, events } }), answer);
      } catch (error) {
        failed(error);
      } finally {
        this.#handed = undefined;
      }
    });
  }
}

function signedBy(app: SoketiAppObject, job: SoketiJob, data: WebhookData): SoketiJob {
  const originalPusherSignature = createHmac("sha256", app.secret)
    .update(JSON.stringify(data.payload))
    .digest("hex");
  const value = { ...data, appKey: app.key, originalPusherSignature };
  return Object.create(job, { data: { value } }) as SoketiJob;
}

/**
 * A promise of the app, for soketi's worker.
 *
 * @param send calls the listener, which makes the requests.
 * @param onFailed told of what the listener throws, instead of ending the process.
 */
function observed(
  app: SoketiAppObject,
  send: (listener: () => unknown) => unknown,
  onFailed: (error: unknown) => void,
): Promise<SoketiAppObject> {
  const promise = Promise.resolve(app);
  const then = promise.then.bind(promise);
  promise.then = (onFound, onRejected) => {
    const next = then((found) => send(() => onFound?.(found)) as never, onRejected);
    next.catch(onFailed);
    return next;
  };
  return promise;
}
