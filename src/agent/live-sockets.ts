import { pause } from "../async/pause.ts";
import { CLOSE_CAUSES, type CloseCause, type CloseCodes, closeMessage } from "./close-causes.ts";
import type { Closer } from "./closer.ts";
import type { AppIdentity, Connection, Connections, MonotonicClock } from "./ports.ts";

export interface LiveSocketsOptions<A> {
  readonly connections: Pick<Connections<A>, "of">;
  readonly clock: MonotonicClock;
  readonly closer: Closer;
  /** Which causes close connections. With any other they stay open, and are given the app as it is now. */
  readonly closeOn: ReadonlySet<CloseCause>;
  readonly closeCodes: CloseCodes;
  /** So many connections have been given the app. */
  readonly onReplaced: (appId: string, app: A, replaced: number) => void;
}

/** The event loop is given back after this long. Milliseconds. */
const SLICE_MS = 2;

/** While so many connections wait to be closed that no more are looked for, it is checked again after this. Milliseconds. */
const FULL_PAUSE_MS = 10;

/** On its way through the connections of one app. */
interface Walk<A> {
  readonly app: A | null;
  readonly connections: Iterator<Connection<A>>;
  replaced: number;
}

/**
 * Keeps open connections up to date with their app: every connection of the app gets it, or is closed.
 *
 * Invariants. After the last `follow` of an app has ended, each of its connections has the app that it gave, or waits to be
 * closed. All walks together hold the event loop for no longer than one slice at a time.
 */
export class LiveSockets<A extends AppIdentity & { readonly enabled: boolean }> {
  readonly #options: LiveSocketsOptions<A>;
  readonly #closer: Closer;
  /** App id -> its walk. A newer app takes the place of an older one's walk. */
  readonly #walks = new Map<string, Walk<A>>();
  #isWorking = false;
  #isStopped = false;

  constructor(options: LiveSocketsOptions<A>) {
    this.#options = options;
    this.#closer = options.closer;
  }

  /** Has all connections of an app follow what it is now; null: there is none. Returns at once. */
  follow(appId: string, app: A | null): void {
    if (this.#isStopped) return;
    // Those that have to be closed for another cause are found again.
    if (app?.enabled) this.#closer.cancel(appId);
    const connections = this.#options.connections.of(appId)[Symbol.iterator]();
    // What an unfinished walk has replaced is told of with this one: those too may be too many for the new limit.
    this.#walks.set(appId, { app, connections, replaced: this.#walks.get(appId)?.replaced ?? 0 });
    if (this.#isWorking) return;
    this.#isWorking = true;
    void this.#walkAll();
  }

  /** Has a single connection follow: looking at it costs the same whatever other connections the app has. */
  followOne(appId: string, app: A | null, connection: Connection<A>): void {
    if (!this.#isStopped) this.#update(appId, app, connection);
  }

  stop(): void {
    this.#isStopped = true;
    this.#walks.clear();
  }

  async #walkAll(): Promise<void> {
    while (this.#walks.size > 0) {
      const isBusy = this.#walkOneSlice();
      if (this.#walks.size > 0) await (isBusy ? nextTurn() : pause(FULL_PAUSE_MS));
    }
    this.#isWorking = false;
  }

  /** @returns whether there is more to do at once: not when all wait for connections to be closed. */
  #walkOneSlice(): boolean {
    const until = this.#options.clock() + SLICE_MS;
    for (const [appId, walk] of [...this.#walks]) {
      if (this.#closer.isFull(appId)) continue;
      const isDone = this.#walk(appId, walk, until);
      if (this.#isStopped) break;
      this.#walks.delete(appId);
      if (!isDone) {
        // All others have their turn before this one has it again.
        this.#walks.set(appId, walk);
        return true;
      }
      if (walk.app && walk.replaced > 0) this.#options.onReplaced(appId, walk.app, walk.replaced);
      if (this.#options.clock() >= until) return true;
    }
    return false;
  }

  /** @returns whether all of its connections have been looked at. */
  #walk(appId: string, walk: Walk<A>, until: number): boolean {
    for (let next = walk.connections.next(); next.done !== true; next = walk.connections.next()) {
      if (this.#update(appId, walk.app, next.value)) walk.replaced += 1;
      if (this.#isStopped || this.#closer.isFull(appId) || this.#options.clock() >= until) return false;
    }
    return true;
  }

  /** @returns whether the connection was given the app. */
  #update(appId: string, app: A | null, connection: Connection<A>): boolean {
    const { closeOn, closeCodes } = this.#options;
    const cause = CLOSE_CAUSES.find((one) => closeOn.has(one) && APPLIES[one](app, connection));
    if (cause) {
      const [code, message] = [closeCodes[cause], closeMessage(cause, connection.key)];
      this.#closer.add(appId, { connection, code, message });
      return false;
    }
    this.#closer.remove(appId, connection.id);
    if (!app || connection.has(app)) return false;
    connection.replace(app);
    return true;
  }
}

/** Whether a cause holds for a connection, and the app as it is now. */
const APPLIES: Readonly<
  Record<
    CloseCause,
    <A extends AppIdentity & { enabled: boolean }>(app: A | null, of: Connection<A>) => boolean
  >
> = {
  deleted: (app) => app === null,
  disabled: (app) => app?.enabled === false,
  rekeyed: (app, { key }) => app !== null && app.key !== key,
  "secret-rotated": (app, connection) => app !== null && !connection.has(app) && !connection.hasSecretOf(app),
};

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
