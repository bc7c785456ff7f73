import type { AppIdentity, Connection, Connections, MonotonicClock } from "./ports.ts";

/** What can have happened to the app of an open connection that must not go on. */
export const CLOSE_CAUSES = ["deleted", "disabled", "rekeyed"] as const;
export type CloseCause = (typeof CLOSE_CAUSES)[number];

/**
 * Close codes and words are soketi's own for a new connection of such an app. 4000-4099 tell Pusher clients not to
 * connect again.
 */
function closing(cause: CloseCause, key: string): { code: number; message: string } {
  return cause === "disabled"
    ? { code: 4003, message: "The app is not enabled." }
    : { code: 4001, message: `App key ${key} does not exist.` };
}

export interface LiveSocketsOptions<A> {
  readonly connections: Connections<A>;
  /** The app as it is now: rejects when that cannot be told. */
  readonly lookup: (appId: string) => Promise<A | null>;
  readonly clock: MonotonicClock;
  /** Which causes close connections. The others leave them as they are, but for a new key, which is put in force. */
  readonly closeOn: ReadonlySet<CloseCause>;
  /** Most connections closed in one second. */
  readonly closesPerSecond: number;
  readonly onRefreshed: (appId: string, replaced: number, closed: number) => void;
}

/** The event loop is given back after this long. Milliseconds. */
const SLICE_MS = 2;
/** Connections are closed in groups, with a pause between. Milliseconds. */
const CLOSE_PAUSE_MS = 10;
/** Apps whose connections are being brought in line at the same time: a flush must not read the table all at once. */
const CONCURRENCY = 8;
/** When the table cannot be read, the connections stay as they are, and it is tried again. Milliseconds. */
const RETRY_MS = 1_000;

/**
 * Brings open connections in line with their app: one lookup, then every connection of the app gets it, or is closed.
 * Invariant: after the last `refresh` of an app has ended, each of its connections has the app of that lookup.
 */
export class LiveSockets<A extends AppIdentity & { readonly enabled: boolean }> {
  readonly #options: LiveSocketsOptions<A>;
  readonly #pending = new Set<string>();
  readonly #running = new Set<string>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  #stopped = false;

  constructor(options: LiveSocketsOptions<A>) {
    this.#options = options;
  }

  /** The app has changed, or may have. Returns at once. Asked for again while it runs, it starts over. */
  refresh(appId: string): void {
    if (this.#stopped) return;
    this.#pending.add(appId);
    this.#work();
  }

  refreshAll(): void {
    for (const appId of this.#options.connections.appIds()) this.refresh(appId);
  }

  stop(): void {
    this.#stopped = true;
    this.#pending.clear();
    for (const timer of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
  }

  #work(): void {
    for (const appId of this.#pending) {
      if (this.#running.size >= CONCURRENCY) return;
      if (this.#running.has(appId)) continue;
      this.#pending.delete(appId);
      this.#running.add(appId);
      void this.#refreshOne(appId).finally(() => {
        this.#running.delete(appId);
        this.#work();
      });
    }
  }

  /** Never rejects. */
  async #refreshOne(appId: string): Promise<void> {
    let app: A | null;
    try {
      app = await this.#options.lookup(appId);
    } catch {
      // The lookup has reported it.
      this.#retryLater(appId);
      return;
    }
    let replaced = 0;
    const toClose: { connection: Connection<A>; cause: CloseCause }[] = [];
    let sliceEnds = this.#options.clock() + SLICE_MS;
    for (const connection of this.#options.connections.of(appId)) {
      if (this.#isOvertaken(appId)) return;
      const cause = causeOf(app, connection.key);
      if (cause && this.#options.closeOn.has(cause)) toClose.push({ connection, cause });
      else if (app && !connection.has(app)) {
        connection.replace(app);
        replaced += 1;
      }
      if (this.#options.clock() >= sliceEnds) {
        await nextTurn();
        sliceEnds = this.#options.clock() + SLICE_MS;
      }
    }
    const closed = await this.#closeSlowly(appId, toClose);
    if (replaced + closed > 0) this.#options.onRefreshed(appId, replaced, closed);
  }

  async #closeSlowly(
    appId: string,
    list: { connection: Connection<A>; cause: CloseCause }[],
  ): Promise<number> {
    const group = Math.max(1, Math.floor((this.#options.closesPerSecond * CLOSE_PAUSE_MS) / 1000));
    let closed = 0;
    for (const { connection, cause } of list) {
      if (this.#isOvertaken(appId)) return closed;
      const { code, message } = closing(cause, connection.key);
      connection.close(code, message);
      closed += 1;
      if (closed % group === 0) await pause(CLOSE_PAUSE_MS);
    }
    return closed;
  }

  /** A newer change is waiting: what is being put in force is old already. */
  #isOvertaken(appId: string): boolean {
    return this.#stopped || this.#pending.has(appId);
  }

  #retryLater(appId: string): void {
    // Without connections there is nothing to bring in line: whoever asks for the app reads it again.
    if (this.#stopped || this.#retries.has(appId) || !this.#options.connections.has(appId)) return;
    const timer = setTimeout(() => {
      this.#retries.delete(appId);
      this.refresh(appId);
    }, RETRY_MS);
    this.#retries.set(appId, timer);
  }
}

function causeOf(
  app: (AppIdentity & { readonly enabled: boolean }) | null,
  key: string,
): CloseCause | undefined {
  if (!app) return "deleted";
  if (!app.enabled) return "disabled";
  return app.key === key ? undefined : "rekeyed";
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
