import type { AppCache } from "./app-cache.ts";
import type { CloseCause, CloseCodes } from "./close-causes.ts";
import { Closer } from "./closer.ts";
import { LimitEnforcer } from "./limit-enforcer.ts";
import { LiveSockets } from "./live-sockets.ts";
import type { AppIdentity, Connection, ConnectionLimits, Connections, MonotonicClock } from "./ports.ts";
import { ReadPace } from "./read-pace.ts";
import { Revalidator } from "./revalidator.ts";

export interface OpenConnectionsSettings {
  /** Apps in use that are in doubt are read again at this pace: most reads a second of this node, and of all together. */
  readonly readsPerSecond: number;
  readonly fleetReadsPerSecond: number;
  readonly closeOn: ReadonlySet<CloseCause>;
  readonly closeCodes: CloseCodes;
  /** Of all apps together. */
  readonly closesPerSecond: number;
}

export interface OpenConnectionsOptions<A extends AppIdentity> extends OpenConnectionsSettings {
  readonly connections: Connections<A>;
  /** When an app's limit of connections is enforced on those that are open. */
  readonly connectionLimits?: ConnectionLimits<A> | undefined;
  readonly cache: Pick<AppCache<A>, "inspect" | "lookup" | "revalidate">;
  readonly isLeaseHeld: () => boolean;
  /** Without a lease: an app in use is read again no more often than this. Milliseconds. */
  readonly roundEveryMs: number;
  readonly clock: MonotonicClock;
  readonly onRefreshed: (appId: string, replaced: number, closed: number) => void;
}

/** Has open connections follow their apps: decides when an app is read again for them, and what becomes of each. */
export class OpenConnections<A extends AppIdentity & { readonly enabled: boolean }> {
  readonly pace: ReadPace;
  readonly closer: Closer;
  readonly revalidator: Revalidator;
  readonly #options: OpenConnectionsOptions<A>;
  readonly #sockets: LiveSockets<A>;
  readonly #limits: LimitEnforcer<A> | undefined;

  constructor(options: OpenConnectionsOptions<A>) {
    const { clock, connections, closesPerSecond, onRefreshed } = options;
    this.#options = options;
    this.pace = new ReadPace({
      clock,
      perSecond: options.readsPerSecond,
      fleetPerSecond: options.fleetReadsPerSecond,
    });
    const onClosed = (appId: string, closed: number) => onRefreshed(appId, 0, closed);
    const closer = (this.closer = new Closer({ clock, closesPerSecond, onClosed }));
    const { connectionLimits: limits, closeCodes } = options;
    this.#limits = limits && new LimitEnforcer<A>({ limits, closer, closeCodes });
    this.#sockets = new LiveSockets<A>({
      ...options,
      closer,
      onReplaced: (appId, app, replaced) => {
        onRefreshed(appId, replaced, 0);
        this.#limits?.check(appId, app);
      },
    });
    this.revalidator = new Revalidator({
      clock,
      pace: this.pace,
      appsInUse: () => connections.appIds(),
      isLeaseHeld: options.isLeaseHeld,
      roundEveryMs: options.roundEveryMs,
      revalidate: (appId, mustRead) => this.#revalidate(appId, mustRead),
    });
  }

  start(): void {
    this.revalidator.start();
  }

  stop(): void {
    this.revalidator.stop();
    this.#sockets.stop();
    this.#limits?.stop();
    this.closer.stop();
  }

  /** Has all connections of an app follow what it is now; null: there is none. */
  follow(appId: string, app: A | null): void {
    if (!app?.enabled) this.#limits?.check(appId, null);
    this.#sockets.follow(appId, app);
  }

  /**
   * A connection is among the open ones, perhaps with the app of before: between its lookup and its entry the app can have
   * changed. Looks at this connection alone.
   */
  entered(appId: string, connection: Connection<A>): void {
    const { cache } = this.#options;
    const cached = cache.inspect(appId);
    if (cached?.app && connection.has(cached.app)) {
      // Served although in doubt, while the table could not be read: nobody else may ask for it again.
      if (!cached.proven) this.revalidator.retryLater(appId);
      return;
    }
    cache.lookup(appId).then(
      (app) => this.#sockets.followOne(appId, app, connection),
      // Whoever read has reported it.
      () => this.revalidator.retryLater(appId),
    );
  }

  /** One read, unless the app is cached as proven; and then all of its connections follow. */
  async #revalidate(appId: string, mustRead: boolean): Promise<void> {
    const { cache } = this.#options;
    this.follow(appId, mustRead ? await cache.revalidate(appId) : await cache.lookup(appId));
  }
}
