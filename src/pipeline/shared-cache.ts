import type { App } from "../app/app.ts";
import type { Problem } from "../app/normalize.ts";
import { AppEntries } from "./app-entries.ts";
import type { CacheChange } from "./cache-changes.ts";
import type { AppCacheStore, AppsReader, SharedCacheMode } from "./ports.ts";

export interface SharedCacheOptions {
  readonly mode: SharedCacheMode;
  /** One for each kind of server that has its apps from there. */
  readonly stores: readonly AppCacheStore[];
  /** As `AppEntriesOptions` has it. */
  readonly table?: AppsReader | undefined;
}

/** The app caches that servers share, each in its own format, updated from the table together. */
export class SharedCache {
  readonly mode: SharedCacheMode;
  readonly all: readonly AppEntries[];

  constructor({ mode, stores, table }: SharedCacheOptions) {
    this.mode = mode;
    this.all = stores.map((store) => new AppEntries({ mode, store, table }));
  }

  /**
   * All are tried, whatever becomes of one. It may be done again after a failure.
   *
   * @returns ids of apps that Redis had no room for, in some format. They have no entry there.
   * @throws UnsettledAppError when an app that records do not tell of changes all the time; what store and table throw.
   */
  apply(changes: readonly CacheChange[]): Promise<readonly string[]> {
    return each(this.all, (entries) => entries.apply(changes));
  }

  /** Whether some servers know no app but those that have an entry. */
  get isDependedOn(): boolean {
    return this.all.some(({ store }) => !store.format.readsTable);
  }

  /**
   * Apps whose entries `apply` leaves as they are in some format, since neither these records nor the table can tell. A sweep
   * updates them.
   */
  leftBy(changes: readonly CacheChange[]): string[] {
    return [...new Set(this.all.flatMap((entries) => entries.leftBy(changes)))];
  }

  /**
   * For records that could not be applied. All formats are tried; what servers depend on stays unless the table can be read.
   *
   * @returns as `apply`.
   */
  giveUp(changes: readonly CacheChange[]): Promise<readonly string[]> {
    return each(this.all, (entries) => entries.giveUp(changes));
  }

  /** What the formats have no word for. */
  problemsOf(app: App): readonly Problem[] {
    return this.all.flatMap(({ store }) => store.format.problemsOf?.(app) ?? []);
  }
}

/** Ids of all, each once. */
async function each(
  all: readonly AppEntries[],
  work: (entries: AppEntries) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const results = await Promise.allSettled(all.map(work));
  const ids = results.flatMap((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
  return [...new Set(ids)];
}
