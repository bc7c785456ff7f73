import type { App } from "../app/app.ts";
import type { CacheChange } from "./cache-changes.ts";
import { UnsettledAppError } from "./errors.ts";
import type { AppCacheStore, AppsReader, CacheWrite, Fence, SharedCacheMode } from "./ports.ts";

/** Rounds of reading and writing, before an app that changes all the time is left to the next try. */
const MAX_ROUNDS = 5;

export interface AppEntriesOptions {
  readonly mode: SharedCacheMode;
  readonly store: AppCacheStore;
  /** For what records do not tell. Without it such apps are removed, unless servers depend on the entry: then they stay. */
  readonly table?: AppsReader | undefined;
}

/** What could not be updated. */
export interface RepairOutcome {
  /** Apps that changed all the time meanwhile. */
  readonly unsettled: readonly string[];
  /** Apps that Redis had no room for: they have no entry, or one under one of their names. */
  readonly withoutRoom: readonly string[];
  /** Keys of another type under an app's names: another program's, and servers cannot read them either. */
  readonly foreign: number;
}

/**
 * Updates one format's entries from the table. Error goes towards empty where servers read the table for what is missing: what
 * cannot be known is removed. Where they do not, a missing entry refuses the app's clients. So there the last known app stays
 * until the table has been read, and goes when the table or a record says so.
 *
 * The newest record of an app wins, whoever writes last: each write carries what it knows, and is refused where more is known
 * (ports.ts, `Fence`). A node that was reading the table while the app changed may still put the old app there afterwards;
 * sweep.ts repairs that.
 */
export class AppEntries {
  readonly mode: SharedCacheMode;
  readonly store: AppCacheStore;
  readonly #table: AppsReader | undefined;

  constructor({ mode, store, table }: AppEntriesOptions) {
    this.mode = mode;
    this.store = store;
    this.#table = table;
  }

  /**
   * Rejects with what the store or the table throws; it may be done again then.
   *
   * @returns ids of apps that Redis had no room for. They have no entry, and it may be done again when there is room.
   * @throws UnsettledAppError when an app that records do not tell of changes all the time.
   */
  async apply(changes: readonly CacheChange[]): Promise<readonly string[]> {
    if (this.mode === "evict") {
      await this.#evict(changes);
      return [];
    }
    const unknown = changes.filter(({ app }) => app === undefined);
    const known = changes.filter(({ app }) => app !== undefined);
    const replaced = await this.#replace(this.store.format.readsTable ? changes : known);
    if (!this.#table || unknown.length === 0) return replaced;
    const keys = new Map(unknown.map((change) => [change.appId, change.keys]));
    const { unsettled, withoutRoom } = await this.repair([...keys.keys()], this.#table, keys);
    if (unsettled.length === 0) return [...replaced, ...withoutRoom];
    throw new UnsettledAppError(
      `expected ${unsettled.join(", ")} to be the same while being written to the shared cache, ` +
        `found another each time, ${MAX_ROUNDS} times: try again later`,
    );
  }

  /**
   * Those of which neither these records nor the table can tell everything, and of whose entries `apply` therefore leaves some as
   * they are: the app's, or that of a key that it had before, which the table does not tell either.
   */
  leftBy(changes: readonly CacheChange[]): string[] {
    const leavesUnknown = !this.store.format.readsTable && !this.#table;
    const isLeft = ({ app, knowsKeys }: CacheChange) => !knowsKeys || (leavesUnknown && app === undefined);
    return changes.filter(isLeft).map(({ appId }) => appId);
  }

  /**
   * Replaces the entries of some apps by what the table says now, whatever is in the cache.
   *
   * What is known of an app in the cache is asked for before the table is read, and is what the write goes by: a record that
   * is applied between the two makes the write be refused, and the table be read again. One that is applied later is
   * newer than the reading, or is followed by one that is.
   *
   * @param keys for each app those that it may have left: their entries go, unless the table says otherwise.
   */
  async repair(
    appIds: readonly string[],
    table: AppsReader,
    keys: ReadonlyMap<string, readonly string[]> = new Map(),
  ): Promise<RepairOutcome> {
    let ids = [...new Set(appIds)];
    let foreign = 0;
    const withoutRoom = new Set<string>();
    // For its key alone, under which the app is to be found.
    let known = ids.length === 0 ? new Map<string, App>() : await table.read(ids);
    for (let round = 0; ids.length > 0 && round < MAX_ROUNDS; round += 1) {
      const entries = ids.flatMap((appId) => this.#toCompare(appId, known.get(appId), keys.get(appId)));
      const tokens = await this.store.fences(entries);
      const now = await table.read(ids);
      const writes = entries.flatMap(({ name, appId, isFormer }, i): CacheWrite[] => {
        const app = now.get(appId);
        if (app?.key !== known.get(appId)?.key) return [];
        const fence: Fence = { kind: "read", token: tokens[i] ?? "" };
        return [{ name, appId, fence, json: app && !isFormer ? this.store.format.json(app) : undefined }];
      });
      const results = await this.store.write(writes);
      const refused = new Set(writes.flatMap(({ appId }, i) => (results[i] === "outdated" ? [appId] : [])));
      foreign += results.filter((result) => result === "foreign").length;
      for (const { appId } of writes) withoutRoom.delete(appId);
      for (const [i, { appId }] of writes.entries()) if (results[i] === "full") withoutRoom.add(appId);
      ids = ids.filter((appId) => refused.has(appId) || now.get(appId)?.key !== known.get(appId)?.key);
      known = now;
    }
    return { unsettled: ids, withoutRoom: [...withoutRoom], foreign };
  }

  /**
   * For records that could not be applied: removes what servers do without, and has the table tell the rest once more.
   * Rejects with what the store throws, or as `apply`.
   *
   * @param changes of late records.
   * @returns as `apply`.
   */
  async giveUp(changes: readonly CacheChange[]): Promise<readonly string[]> {
    if (!this.store.format.readsTable) return this.apply(changes);
    await this.#evict(changes);
    return [];
  }

  async #evict(changes: readonly CacheChange[]): Promise<void> {
    await this.store.write(
      changes.flatMap(({ appId, keys, fence }) =>
        this.#namesOf(appId, keys).map((name) => ({ name, appId, fence, whosever: true })),
      ),
    );
  }

  /** @returns ids of apps that Redis had no room for. */
  async #replace(changes: readonly CacheChange[]): Promise<readonly string[]> {
    const { format } = this.store;
    // Keys that were left go first: another app in the batch may have taken one over.
    await this.store.write(
      changes.flatMap(({ appId, keys, app, fence }): CacheWrite[] => {
        const former = keys.filter((key) => key !== app?.key);
        const names = app ? former.map((key) => format.keyName(key)) : this.#namesOf(appId, former);
        return names.map((name) => ({ name, appId, fence }));
      }),
    );
    const writes = changes.flatMap(({ appId, app, fence }): CacheWrite[] => {
      if (!app) return [];
      const json = format.json(app);
      return this.#entriesOf(appId, app).map((entry) => ({ ...entry, fence, json }));
    });
    const results = await this.store.write(writes);
    return [...new Set(writes.flatMap(({ appId }, i) => (results[i] === "full" ? [appId] : [])))];
  }

  /** Those where the app has to be, and those that it may have left: a name may be both. */
  #toCompare(appId: string, app: App | undefined, keys: readonly string[] = []) {
    const entries = this.#entriesOf(appId, app).map((entry) => ({ ...entry, isFormer: false }));
    const names = new Set(entries.map(({ name }) => name));
    const former = this.#namesOf(appId, keys).filter((name) => !names.has(name));
    return [...entries, ...former.map((name) => ({ name, appId, isFormer: true }))];
  }

  #namesOf(appId: string, keys: readonly string[]): string[] {
    const { format } = this.store;
    return [...new Set([format.idName(appId), ...keys.map((key) => format.keyName(key))])];
  }

  #entriesOf(appId: string, app: App | undefined): { name: string; appId: string }[] {
    return this.#namesOf(appId, app ? [app.key] : []).map((name) => ({ name, appId }));
  }
}
