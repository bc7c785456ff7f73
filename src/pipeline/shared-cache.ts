import type { App } from "../app/app.ts";
import { toSoketi } from "../app/soketi-shape.ts";
import type { StreamChange } from "./decode.ts";
import { UnsettledAppError } from "./errors.ts";
import type { AppCacheStore, AppsReader } from "./ports.ts";

/**
 * - `evict`: entries of a changed app are removed; the next node that needs it reads the table as soketi does.
 * - `refresh`: they are replaced by the normalized app, so that no node reads the item itself.
 */
export type SharedCacheMode = "evict" | "refresh";

/** What a batch of records says about one app in the cache. */
export interface CachedApp {
  readonly appId: string;
  /** Every key that the app had in these records. */
  readonly keys: readonly string[];
  /** As it is now; null when it is gone or not usable; absent when the records do not tell. */
  readonly app?: App | null | undefined;
}

/** Rounds of writing and reading again, before an app that changes all the time is left to the next try. */
const MAX_ROUNDS = 5;

/** What records say, one entry for each app: the last record decides, the keys of all are kept. */
export class CachedApps {
  readonly #late: boolean;
  readonly #byApp = new Map<string, CachedApp>();

  /** @param options.late the records are read again out of their turn: they do not tell how an app is now. */
  constructor({ late = false }: { readonly late?: boolean | undefined } = {}) {
    this.#late = late;
  }

  add({ appId, before, after, complete }: StreamChange): void {
    const keys = new Set(this.#byApp.get(appId)?.keys);
    for (const key of [before?.key, after?.key]) if (key !== undefined) keys.add(key);
    const app = complete && !this.#late ? (after?.app ?? null) : undefined;
    this.#byApp.set(appId, { appId, keys: [...keys], app });
  }

  all(): CachedApp[] {
    return [...this.#byApp.values()];
  }
}

export interface SharedCacheOptions {
  readonly mode: SharedCacheMode;
  readonly store: AppCacheStore;
  /** For what records do not tell; without it such apps are removed. */
  readonly table?: AppsReader | undefined;
}

/**
 * Brings soketi's own app cache in line with the table. Error goes towards empty: what cannot be known is removed.
 *
 * A node that was reading the table while the app changed may still put the old app there afterwards; sweep.ts repairs
 * that.
 */
export class SharedCache {
  readonly mode: SharedCacheMode;
  readonly store: AppCacheStore;
  readonly #table: AppsReader | undefined;

  constructor({ mode, store, table }: SharedCacheOptions) {
    this.mode = mode;
    this.store = store;
    this.#table = table;
  }

  /** Rejects with what the store or the table throws; it may be done again then. */
  async apply(changes: readonly CachedApp[]): Promise<void> {
    if (this.mode === "evict") {
      await this.store.remove([...new Set(changes.flatMap(({ appId, keys }) => [appId, ...keys]))]);
      return;
    }
    await this.#replace(changes);
    const unknown = changes.filter(({ app }) => app === undefined);
    if (this.#table && unknown.length > 0)
      await this.repair(
        unknown.map(({ appId }) => appId),
        this.#table,
      );
  }

  /**
   * Replaces the entries of some apps by what the table says now, whatever is in the cache.
   *
   * The table is read again after the write: a change between the two reads is written as well, and one after the
   * second read comes to this cache through the stream, later.
   *
   * @throws UnsettledAppError when an app changes faster than that, again and again.
   */
  async repair(appIds: readonly string[], table: AppsReader): Promise<void> {
    let ids = appIds;
    let before = await table.read(ids);
    for (let round = 0; ids.length > 0; round += 1) {
      if (round === MAX_ROUNDS) {
        throw new UnsettledAppError(
          `expected ${ids.join(", ")} to be the same after being written to the shared cache, ` +
            `found another each time, ${MAX_ROUNDS} times: try again later`,
        );
      }
      const written = before;
      await this.#replace(ids.map((appId) => ({ appId, keys: [], app: written.get(appId) ?? null })));
      const now = await table.read(ids);
      ids = ids.filter((appId) => cachedJson(now.get(appId)) !== cachedJson(written.get(appId)));
      await this.store.release(ids.flatMap((appId) => entriesUnder(appId, written.get(appId)?.key)));
      before = now;
    }
  }

  async #replace(changes: readonly CachedApp[]): Promise<void> {
    // Keys that were left go first: another app in the batch may have taken one over.
    await this.store.release(
      changes.flatMap(({ appId, keys, app }) => {
        const former = keys.filter((key) => key !== app?.key);
        return app ? former.map((name) => ({ name, appId })) : entriesUnder(appId, appId, ...former);
      }),
    );
    await this.store.write(changes.flatMap(({ app }) => (app ? entriesOf(app) : [])));
  }
}

/** What the cache holds for an app in refresh mode. */
export function cachedJson(app: App | undefined): string | undefined {
  return app && JSON.stringify(toSoketi(app));
}

function entriesOf(app: App): { name: string; json: string }[] {
  const json = JSON.stringify(toSoketi(app));
  return [app.id, app.key].map((name) => ({ name, json }));
}

function entriesUnder(appId: string, ...names: (string | undefined)[]) {
  return names.flatMap((name) => (name === undefined ? [] : [{ name, appId }]));
}
