import { setTimeout as pause } from "node:timers/promises";
import { within } from "../async/within.ts";
import type { Observer } from "./observer.ts";
import type { ChangeRow } from "./state.ts";
import { ANSWER_LIMIT_MS, silent } from "./table-reads.ts";

/** The log is looked at this often: one short command. Milliseconds. */
const FOLLOW_INTERVAL_MS = 200;

/** The nodes are asked this often, and when a change has come. Milliseconds. */
const ASK_INTERVAL_MS = 1_000;

/** It is seen this often whether the table answers. Milliseconds. */
const PROBE_INTERVAL_MS = 2_000;

/** There is something to show at least this often: that time passes, while somebody does not answer. Milliseconds. */
const NEWS_INTERVAL_MS = 1_000;

export interface WatchOptions {
  readonly observer: Observer;
  /** Rejects when the table does not answer. */
  readonly probeTable: () => Promise<void>;
  /** Changes that have come, the oldest first. */
  readonly onChanges: (rows: readonly ChangeRow[]) => void;
  /** There is something new to show. */
  readonly onNews: () => void;
  /** A failure in the user's words. */
  readonly explain: (error: unknown) => string;
}

type Subject = "log" | "nodes" | "table";

/**
 * Lets an observer look again and again, each at its own pace: a node that does not answer keeps the others' answers for one and
 * a half seconds, but no change from being shown; a Redis that says nothing keeps nobody from being told so.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #stopping = new AbortController();
  readonly #troubles = new Map<Subject, string>();
  /** Looks that have not ended: a second one beside one of them would see the same twice. */
  readonly #running = new Map<Subject, Promise<void>>();
  #askedAt: number | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;
  #isWoken = false;
  #nap = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Why nothing is known of the nodes now; null while Redis answers. */
  get redisTrouble(): string | null {
    return this.#troubles.get("log") ?? this.#troubles.get("nodes") ?? null;
  }

  /** Why the table cannot be read; null while it can. */
  get tableTrouble(): string | null {
    return this.#troubles.get("table") ?? null;
  }

  /** When all nodes had been asked last: milliseconds since 1970; null before. */
  get askedAt(): number | null {
    return this.#askedAt;
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    await Promise.all([this.#follow().then(() => this.#ask()), this.#probe()]);
    this.#loops = Promise.all([
      this.#every(FOLLOW_INTERVAL_MS, () => this.#follow()),
      this.#every(PROBE_INTERVAL_MS, () => this.#probe()),
      this.#every(NEWS_INTERVAL_MS, () => this.#tellTime()),
      this.#askAgainAndAgain(),
    ]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#nap.abort();
    await this.#loops;
  }

  async #follow(): Promise<void> {
    await this.#look("log", async () => {
      const rows = await this.#options.observer.follow();
      if (rows.length === 0) return;
      this.#options.onChanges(rows);
      this.#tell();
      this.#isWoken = true;
      this.#nap.abort();
    });
  }

  async #ask(): Promise<void> {
    this.#isWoken = false;
    await this.#look("nodes", async () => {
      await this.#options.observer.ask(Date.now());
      this.#askedAt = Date.now();
    });
    this.#tell();
  }

  async #probe(): Promise<void> {
    const before = this.tableTrouble;
    await this.#look("table", () => this.#options.probeTable());
    if (this.tableTrouble !== before) this.#tell();
  }

  /** Work that is late goes on: what it comes to is taken when it comes, and nothing is begun beside it. */
  async #look(what: Subject, work: () => Promise<void>): Promise<void> {
    const running = this.#running.get(what) ?? work();
    this.#running.set(what, running);
    const ended = () => void this.#running.delete(what);
    running.then(ended, ended);
    const who = what === "table" ? "DynamoDB" : "Redis";
    try {
      await within(ANSWER_LIMIT_MS, () => silent(who, ANSWER_LIMIT_MS), running);
      this.#troubles.delete(what);
    } catch (error) {
      this.#troubles.set(what, this.#options.explain(error));
    }
  }

  #tell(): void {
    this.#toldAt = performance.now();
    this.#options.onNews();
  }

  #tellTime(): Promise<void> {
    if (performance.now() - this.#toldAt > NEWS_INTERVAL_MS) this.#tell();
    return Promise.resolve();
  }

  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    while (await paused(ms, this.#stopping.signal)) await work();
  }

  async #askAgainAndAgain(): Promise<void> {
    for (;;) {
      this.#nap = new AbortController();
      if (!this.#isWoken && !this.#stopping.signal.aborted) await paused(ASK_INTERVAL_MS, this.#nap.signal);
      if (this.#stopping.signal.aborted) return;
      await this.#ask();
    }
  }
}

/** False as soon as it is over. */
function paused(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false);
}
