import { createHmac } from "node:crypto";
import type { WebhookDropReason } from "../agent/webhook-drop-reasons.ts";
import type { SoketiAppManager, SoketiAppObject, SoketiJob } from "./server.ts";
import type { WebhookApps } from "./webhook-apps.ts";
import { type MakeLambdaClient, withSafeWebhooks } from "./webhook-lambda.ts";
import { type SoketiWorker, type WebhookData, webhookData, type WebhookReporter } from "./webhook-parts.ts";
import { WebhookReceivers } from "./webhook-receivers.ts";
import { type HttpClient, WebhookRequests } from "./webhook-requests.ts";

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

/**
 * Hands queued webhooks to soketi's worker, with the app of now. The worker looks the app up by the key that the job was
 * queued with, drops what another secret signed, and ends the process when there is no such app. So the job gets the key and
 * the signature of now, and the worker's lookup the very app that these were taken from.
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
   * Never rejects.
   *
   * @param waitingBytes what it takes in memory while it waits for its turn, where it may. Otherwise it is to come again.
   */
  async deliver(job: SoketiJob, worker: SoketiWorker, waitingBytes?: number): Promise<Delivery> {
    const data = webhookData(job.data);
    if (!data) {
      this.#report.webhookDropped("unreadable-job", "(unknown)");
      return ANSWERED;
    }
    const { appId } = data;
    let app = await this.#find(data);
    if (typeof app === "string") return { kind: "later", why: app };
    if (!this.#receivers.begin(appId)) {
      const hasPlace = waitingBytes !== undefined && (await this.#receivers.beginLater(appId, waitingBytes));
      if (!hasPlace) return { kind: "later", why: "no-answer" };
      // As it is by now.
      app = await this.#find(data);
      if (typeof app === "string") {
        this.#receivers.end(appId);
        return { kind: "later", why: app };
      }
    }
    const safe = withSafeWebhooks(app, this.#makeLambdaClient, () =>
      this.#report.webhookDropped("lambda-options", appId),
    );
    const isSlow = this.#receivers.isSlow(appId);
    const answered = this.#hand(job, data, safe, worker);
    this.#inFlight.add(answered);
    void answered.then(() => this.#inFlight.delete(answered));
    // The queue has waited for these receivers once.
    return isSlow ? ANSWERED : { kind: "sent", answered };
  }

  /** Resolves when soketi is done with all that was handed to it. */
  async idle(): Promise<void> {
    await Promise.all(this.#inFlight);
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

  /** Resolves when soketi is done, or its time is over. */
  #hand(job: SoketiJob, data: WebhookData, app: SoketiAppObject, worker: SoketiWorker): Promise<void> {
    return new Promise((resolve) => {
      const limit = new AbortController();
      const timer = setTimeout(() => {
        this.#report.webhookDropped("no-answer", app.id);
        this.#receivers.unanswered(app.id);
        limit.abort();
        resolve();
      }, ANSWER_LIMIT_MS);
      const end = () => {
        clearTimeout(timer);
        // Once: soketi's worker may fail after it was done.
        if (!isOver) this.#receivers.end(app.id);
        isOver = true;
        resolve();
      };
      let isOver = false;
      const answer = () => {
        if (!limit.signal.aborted) this.#receivers.answered(app.id);
        end();
      };
      const failed = (error: unknown) => {
        this.#report.webhooksFailed(error);
        end();
      };
      const send = (listener: () => unknown) => this.#requests.endingWith(limit.signal, listener);
      this.#handed = observed(app, send, failed);
      try {
        worker(signedBy(app, job, data), answer);
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
