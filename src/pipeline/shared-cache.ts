import type { App } from "../app/app.ts";
import { toSoketi } from "../app/soketi-shape.ts";
import type { StreamChange } from "./decode.ts";
import { UnsettledAppError } from "./errors.ts";
import type { AppCacheStore, AppsReader, CacheWrite, Fence } from "./ports.ts";

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
  /** Of the last of these records. */
  readonly fence: Fence;
}

/** Rounds of reading and writing, before an app that changes all the time is left to the next try. */
const MAX_ROUNDS = 5;

export interface CachedAppsOptions {
  /** The records are read again out of their turn: they do not tell how an app is now. */
  readonly late?: boolean | undefined;
  /** The stream's ARN, where records do not say it themselves. */
  readonly streamArn?: string | undefined;
}

/** What records say, one entry for each app: the last record decides, the keys of all are kept. */
export class CachedApps {
  readonly #options: CachedAppsOptions;
  readonly #byApp = new Map<string, CachedApp>();

  constructor(options: CachedAppsOptions = {}) {
    this.#options = options;
  }

  add({ appId, before, after, complete, streamArn, sequenceNumber }: StreamChange): void {
    const keys = new Set(this.#byApp.get(appId)?.keys);
    for (const key of [before?.key, after?.key]) if (key !== undefined) keys.add(key);
    const app = complete && !this.#options.late ? (after?.app ?? null) : undefined;
    const fence = fenceOf(streamArn ?? this.#options.streamArn, sequenceNumber);
    this.#byApp.set(appId, { appId, keys: [...keys], app, fence });
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

/** What was not brought in line. */
export interface RepairOutcome {
  /** Apps that changed all the time meanwhile. */
  readonly unsettled: readonly string[];
  /** Keys of another type under an app's names: another program's, and soketi cannot read them either. */
  readonly foreign: number;
}

/**
 * Brings soketi's own app cache in line with the table. Error goes towards empty: what cannot be known is removed.
 *
 * The newest record of an app wins, whoever writes last: each write carries what it knows, and is refused where more is known
 * (ports.ts, `Fence`). A node that was reading the table while the app changed may still put the old app there afterwards;
 * sweep.ts repairs that.
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

  /**
   * Rejects with what the store or the table throws; it may be done again then.
   *
   * @throws UnsettledAppError when an app that records do not tell of changes all the time.
   */
  async apply(changes: readonly CachedApp[]): Promise<void> {
    if (this.mode === "evict") {
      await this.store.write(
        changes.flatMap(({ appId, keys, fence }) =>
          [...new Set([appId, ...keys])].map((name) => ({ name, appId, fence, whosever: true })),
        ),
      );
      return;
    }
    await this.#replace(changes);
    const unknown = changes.flatMap(({ appId, app }) => (app === undefined ? [appId] : []));
    if (!this.#table || unknown.length === 0) return;
    const { unsettled } = await this.repair(unknown, this.#table);
    if (unsettled.length === 0) return;
    throw new UnsettledAppError(
      `expected ${unsettled.join(", ")} to be the same while being written to the shared cache, ` +
        `found another each time, ${MAX_ROUNDS} times: try again later`,
    );
  }

  /**
   * Replaces the entries of some apps by what the table says now, whatever is in the cache.
   *
   * What is known of an app in the cache is asked for before the table is read, and is what the write goes by: a record that
   * is applied between the two makes the write be refused, and the table be read again. One that is applied later is
   * newer than the reading, or is followed by one that is.
   */
  async repair(appIds: readonly string[], table: AppsReader): Promise<RepairOutcome> {
    let ids = [...new Set(appIds)];
    let foreign = 0;
    // For its key alone, under which the app is to be found.
    let known = ids.length === 0 ? new Map<string, App>() : await table.read(ids);
    for (let round = 0; ids.length > 0 && round < MAX_ROUNDS; round += 1) {
      const entries = ids.flatMap((appId) => namesOf(appId, known.get(appId)));
      const tokens = await this.store.fences(entries);
      const now = await table.read(ids);
      const writes = entries.flatMap(({ name, appId }, i) => {
        const app = now.get(appId);
        const fence: Fence = { kind: "read", token: tokens[i] ?? "" };
        return app?.key === known.get(appId)?.key ? [{ name, appId, fence, json: cachedJson(app) }] : [];
      });
      const results = await this.store.write(writes);
      const refused = new Set(writes.flatMap(({ appId }, i) => (results[i] === "outdated" ? [appId] : [])));
      foreign += results.filter((result) => result === "foreign").length;
      ids = ids.filter((appId) => refused.has(appId) || now.get(appId)?.key !== known.get(appId)?.key);
      known = now;
    }
    return { unsettled: ids, foreign };
  }

  async #replace(changes: readonly CachedApp[]): Promise<void> {
    // Keys that were left go first: another app in the batch may have taken one over.
    await this.store.write(
      changes.flatMap(({ appId, keys, app, fence }): CacheWrite[] => {
        const former = keys.filter((key) => key !== app?.key);
        return (app ? former : [appId, ...former]).map((name) => ({ name, appId, fence }));
      }),
    );
    await this.store.write(
      changes.flatMap(({ appId, app, fence }) => {
        const json = cachedJson(app ?? undefined);
        return app ? namesOf(appId, app).map((entry) => ({ ...entry, fence, json })) : [];
      }),
    );
  }
}

/** What the cache holds for an app in refresh mode. */
export function cachedJson(app: App | undefined): string | undefined {
  return app && JSON.stringify(toSoketi(app));
}

function namesOf(appId: string, app: App | undefined): { name: string; appId: string }[] {
  const names = app && app.key !== appId ? [appId, app.key] : [appId];
  return names.map((name) => ({ name, appId }));
}

const STREAM_ARN = /^arn:[^:\s]*:dynamodb:([^:\s]+):[^\s]*\/stream\/(\S+)$/;

/** A table has one stream at a time: a later label is a later one. */
function fenceOf(streamArn: string | undefined, sequenceNumber: string): Fence {
  const number = /^0*(\d{1,40})$/.exec(sequenceNumber)?.[1];
  if (number === undefined) return { kind: "none" };
  const [, region, label] = STREAM_ARN.exec(streamArn ?? "") ?? [];
  return { kind: "record", region: region ?? "-", label: label ?? "-", sequenceNumber: number };
}
