import type { AppCache } from "../agent/app-cache.ts";
import { BoundedMap } from "../agent/bounded-map.ts";
import type { MonotonicClock } from "../agent/ports.ts";
import { within } from "../async/within.ts";
import type { Invalidation } from "../protocol/message.ts";
import type { SoketiAppClass, SoketiAppObject, SoketiServer } from "./server.ts";

/** Longest that a job waits for its app: with the redis queue it keeps the jobs behind it waiting. Milliseconds. */
const LOOKUP_LIMIT_MS = 1_000;

/** After a failed lookup the app's next jobs do not wait for another one, for so long. Milliseconds. */
const UNREADABLE_MS = 1_000;

/** What happens so long after an app was found to be gone is not sent any more: its connections are closed by then. Milliseconds. */
const MIN_CLOSING_MS = 60_000;

/** Connections of a node: what closes so many more slowly has longer. */
const CONNECTIONS = 300_000;

/** How long an app that is gone is remembered, for what happened before and waits in a long queue. Milliseconds. */
const GONE_MS = 3_600_000;

/** Most apps that are remembered. */
const MAX_APPS = 10_000;

export interface WebhookAppsOptions {
  readonly cache: Pick<AppCache<SoketiAppObject>, "findById" | "inspect">;
  readonly appClass: SoketiAppClass;
  readonly server: SoketiServer;
  readonly clock: MonotonicClock;
  /** Milliseconds since 1970, as in the jobs. */
  readonly now: () => number;
  /** At which pace a node closes those of an app that is gone. */
  readonly closesPerSecond: number;
}

interface KnownApp {
  /** Undefined when it has been gone for too long. */
  app: SoketiAppObject | undefined;
  /** When it was first found to be gone. Milliseconds since 1970. */
  goneAt?: number;
}

/**
 * The apps of webhooks, by id: whatever became of their keys, secrets and flags meanwhile. An app that was deleted is
 * remembered for a while: what its connections leave behind when they are closed, `member_removed` and
 * `channel_vacated`, is what its receiver was promised, and would wait for ever.
 */
export class WebhookApps {
  readonly #options: WebhookAppsOptions;
  readonly #closingMs: number;
  readonly #known = new BoundedMap<KnownApp>(MAX_APPS);
  readonly #unreadableUntil = new BoundedMap<number>(MAX_APPS);

  constructor(options: WebhookAppsOptions) {
    this.#options = options;
    this.#closingMs = Math.max(MIN_CLOSING_MS, (1_000 * CONNECTIONS) / options.closesPerSecond);
  }

  /** An event of this app is about to be queued. */
  remember(app: SoketiAppObject): void {
    const known = this.#known.get(app.id);
    if (known?.app?.initialApp === app.initialApp) return;
    // Connections of one that is gone have it in several versions. Created again under its id, it is somebody else's.
    const isThere = () => this.#options.cache.inspect(app.id)?.app?.initialApp === app.initialApp;
    if (known?.goneAt !== undefined && !isThere()) return;
    this.#known.set(app.id, { app });
  }

  /**
   * A message names an app. What is known of a former one is not to have the webhooks of one that is created under its id. And
   * one that is deleted was last as it is held until now: it may have been changed since its last webhook here.
   */
  changed({ appId, type }: Invalidation, held: SoketiAppObject | undefined): void {
    const isGone = this.#known.get(appId)?.goneAt !== undefined;
    if (type === "created") this.#known.delete(appId);
    else if (type === "deleted" && held && !isGone) this.#known.set(appId, { app: held });
  }

  /**
   * The app to send with; undefined when it is gone, and not or no longer remembered here.
   *
   * @param at when what is to be sent happened. Milliseconds since 1970.
   * @throws whatever keeps the table from being read.
   */
  async find(appId: string, at: number): Promise<SoketiAppObject | undefined> {
    const app = await this.#read(appId);
    if (app) {
      this.#known.set(appId, { app });
      return app;
    }
    const known = this.#known.get(appId);
    if (!known?.app) return undefined;
    const now = this.#options.now();
    known.goneAt ??= now;
    // When it went is kept: its connections may have been left open, and go on.
    if (now - known.goneAt > GONE_MS) known.app = undefined;
    return known.app && at - known.goneAt <= this.#closingMs ? this.#withWebhooks(known.app) : undefined;
  }

  async #read(appId: string): Promise<SoketiAppObject | null> {
    const { cache, clock } = this.#options;
    const isFailing = clock() < (this.#unreadableUntil.get(appId) ?? -Infinity);
    if (isFailing && cache.inspect(appId)?.proven !== true)
      throw new Error("the table could not be read just now");
    const errors: unknown[] = [];
    const lookup = cache.findById(appId, (error) => errors.push(error));
    try {
      const app = await within(LOOKUP_LIMIT_MS, "an answer of DynamoDB", lookup);
      if (app || errors.length === 0) return app;
      throw errors[0];
    } catch (error) {
      this.#unreadableUntil.set(appId, clock() + UNREADABLE_MS);
      throw error;
    }
  }

  /** soketi takes the webhooks off the app of a connection. */
  #withWebhooks(app: SoketiAppObject): SoketiAppObject {
    return app.webhooks ? app : new this.#options.appClass(app.initialApp, this.#options.server);
  }
}
