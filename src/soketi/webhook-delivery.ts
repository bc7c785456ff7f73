import { createHmac } from "node:crypto";
import type { WebhookDropReason } from "../agent/webhook-drop-reasons.ts";
import type { SoketiAppManager, SoketiAppObject, SoketiJob } from "./server.ts";
import type { WebhookApps } from "./webhook-apps.ts";
import { type MakeLambdaClient, withSafeWebhooks } from "./webhook-lambda.ts";
import { type SoketiWorker, type WebhookData, webhookData, type WebhookReporter } from "./webhook-parts.ts";

/**
 * How long a queue waits for receivers. soketi sets them no limit, and one that never answers would hold up the webhooks of
 * all apps; the request itself goes on. Less than the 30 s for which SQS hides a message by default. Milliseconds.
 */
const ANSWER_LIMIT_MS = 20_000;

/** What became of a job: it is on its way, and `answered` once soketi is done with it; or it cannot be sent now. */
export type Delivery =
  | { readonly kind: "sent"; readonly answered: Promise<void> }
  | { readonly kind: "later"; readonly why: Extract<WebhookDropReason, "app-gone" | "table-unreadable"> };

export interface WebhookDeliveryOptions {
  readonly manager: SoketiAppManager;
  readonly apps: WebhookApps;
  readonly makeLambdaClient: MakeLambdaClient;
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
  readonly #inFlight = new Set<Promise<void>>();
  /** The answer to the lookup that the worker makes while it is being called. */
  #handed: Promise<SoketiAppObject> | undefined;

  constructor({ manager, apps, makeLambdaClient, report }: WebhookDeliveryOptions) {
    this.#apps = apps;
    this.#makeLambdaClient = makeLambdaClient;
    this.#report = report;
    const findByKey = manager.findByKey.bind(manager);
    manager.findByKey = (key) => this.#handed ?? findByKey(key);
  }

  /** Never rejects. */
  async deliver(job: SoketiJob, worker: SoketiWorker): Promise<Delivery> {
    const data = webhookData(job.data);
    if (!data) {
      this.#report.webhookDropped("unreadable-job", "(unknown)");
      return ANSWERED;
    }
    const { appId, payload } = data;
    let app: SoketiAppObject | undefined;
    try {
      app = await this.#apps.find(appId, payload.time_ms);
    } catch {
      // The cache has reported what it was.
      return { kind: "later", why: "table-unreadable" };
    }
    if (!app) return { kind: "later", why: "app-gone" };
    const safe = withSafeWebhooks(app, this.#makeLambdaClient, () =>
      this.#report.webhookDropped("lambda-options", appId),
    );
    const answered = this.#hand(job, data, safe, worker);
    this.#inFlight.add(answered);
    void answered.then(() => this.#inFlight.delete(answered));
    return { kind: "sent", answered };
  }

  /** Resolves when soketi is done with all that was handed to it. */
  async idle(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  #hand(job: SoketiJob, data: WebhookData, app: SoketiAppObject, worker: SoketiWorker): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#report.webhooksFailed(
          new Error(
            `Could not get an answer from all receivers of app ${app.id} within ${ANSWER_LIMIT_MS / 1_000} s`,
          ),
        );
        resolve();
      }, ANSWER_LIMIT_MS);
      const answer = () => {
        clearTimeout(timer);
        resolve();
      };
      const failed = (error: unknown) => {
        this.#report.webhooksFailed(error);
        answer();
      };
      this.#handed = observed(app, failed);
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

/** A promise of the app; what is thrown in the first `then` on it is told, instead of ending the process. */
function observed(app: SoketiAppObject, onFailed: (error: unknown) => void): Promise<SoketiAppObject> {
  const promise = Promise.resolve(app);
  const then = promise.then.bind(promise);
  promise.then = (...listeners) => {
    const next = then(...listeners);
    next.catch(onFailed);
    return next;
  };
  return promise;
}
