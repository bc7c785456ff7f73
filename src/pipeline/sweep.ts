import type { App } from "../app/app.ts";
import { sameAsCached } from "../app/cached-app.ts";
import { hasOtherSpelling, isReadingOf } from "../app/soketi-reading.ts";
import { isHashKey } from "../protocol/message.ts";
import type { AppEntries } from "./app-entries.ts";
import type { CacheFormat } from "./cache-format.ts";
import { DeadlineError, NoRoomError } from "./errors.ts";
import { type AppCacheStore, type AppsReader, LONG_TEXT, type SweepOutcome } from "./ports.ts";
import type { SharedCache } from "./shared-cache.ts";

/** As `AppsReader.pages` has them. */
interface PageItem {
  readonly appId: string;
  readonly app?: App | undefined;
}

export interface SweepContext {
  readonly cache: SharedCache;
  readonly table: AppsReader;
  /** Milliseconds left until the function is stopped. */
  readonly remainingMs: () => number;
}

/** A page takes less; what is not swept in time is swept the next time. Milliseconds. */
const PAGE_RESERVE_MS = 5_000;

/**
 * Compares the whole of the shared app caches with the table and repairs what differs: the bound on how long
 * anything wrong can stay there. What cannot be repaired is counted, and stops nothing else.
 *
 * @throws DeadlineError when there is no time for the rest; NoRoomError, after all else is done, when Redis is full; what store
 *   and table throw.
 */
export async function sweep(context: SweepContext): Promise<SweepOutcome> {
  const { withoutRoom, ...written } =
    context.cache.mode === "refresh" ? await sweepTable(context) : NOTHING_WRITTEN;
  const entries = await sweepEntries(context);
  if (withoutRoom > 0) throw new NoRoomError(`${withoutRoom} of ${written.apps} apps`);
  // Both have met the keys of another type that are under an app's own names.
  return { ...written, ...entries, foreign: Math.max(written.foreign, entries.foreign) };
}

const NOTHING_WRITTEN = { apps: 0, repaired: 0, unsettled: 0, withoutRoom: 0, foreign: 0 };

/** Every app of the table is in the cache, as it should be. The table is read once, whatever the number of formats. */
async function sweepTable({ cache, table, remainingMs }: SweepContext) {
  const done = { ...NOTHING_WRITTEN };
  for await (const page of table.pages()) {
    assertTime(remainingMs(), `${done.apps} apps`);
    const wrong = new Set<string>();
    const unsettled = new Set<string>();
    const withoutRoom = new Set<string>();
    for (const entries of cache.all) {
      const found = await sweepPage(page, entries, table);
      for (const appId of found.wrong) wrong.add(appId);
      for (const appId of found.unsettled) unsettled.add(appId);
      for (const appId of found.withoutRoom) withoutRoom.add(appId);
      done.foreign += found.foreign;
    }
    done.apps += page.length;
    done.repaired += wrong.size - unsettled.size;
    done.unsettled += unsettled.size;
    done.withoutRoom += withoutRoom.size;
  }
  return done;
}

async function sweepPage(page: readonly PageItem[], entries: AppEntries, table: AppsReader) {
  const { store } = entries;
  const { format } = store;
  const namesOf = ({ appId, app }: PageItem) => [
    format.idName(appId),
    app ? format.keyName(app.key) : format.idName(appId),
  ];
  const names = page.flatMap(namesOf);
  const found = await store.read(names);
  const wrong = page.filter(({ app }, i) => {
    const json = app && format.json(app);
    return [found[2 * i], found[2 * i + 1]].some((text) => text !== json && text !== null);
  });
  // Read again on the way: the page may be older than what is in the cache.
  const ids = wrong.map(({ appId }) => appId);
  const { unsettled, withoutRoom, foreign } = await entries.repair(ids, table);
  // Another program's key, of another type, must not end because of us.
  const right = new Set(names.filter((_, i) => found[i] !== null));
  for (const name of wrong.flatMap(namesOf)) right.delete(name);
  await store.touch([...right]);
  return { wrong: ids, unsettled, withoutRoom, foreign };
}

/** Nothing is in the cache that the table does not know. */
async function sweepEntries({ cache, table, remainingMs }: SweepContext) {
  const done = { entries: 0, removed: 0, foreign: 0 };
  for (const { store, mode } of cache.all) {
    const sweepTexts = async (found: readonly FoundText[]) => {
      assertTime(remainingMs(), `${done.entries} entries`);
      const read = found.map((one) => entryIn(one, store.format));
      const entries = read.filter((one) => typeof one === "object");
      const wrong = await (mode === "refresh"
        ? findWrong(entries, store, table)
        : findMisread(entries, table));
      // Only while it is what was compared: something newer may be there by now.
      done.removed += await store.removeSame(wrong);
      done.entries += entries.length;
      done.foreign += read.filter((one) => one === "foreign").length;
    };
    for await (const names of store.names()) {
      const texts = await store.read(names);
      const long = names.filter((_, i) => texts[i] === LONG_TEXT);
      await sweepTexts(
        names.flatMap((name, i) => {
          const text = texts[i];
          return text === LONG_TEXT ? [] : [{ name, text }];
        }),
      );
      // Each alone: together they may need more memory than there is.
      for (const name of long) await sweepTexts([{ name, text: await store.readWhole(name) }]);
    }
  }
  return done;
}

interface FoundText {
  readonly name: string;
  readonly text: string | undefined | null;
}

/** An entry that a server would serve as an app. */
interface Entry {
  readonly name: string;
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Undefined when no app can have such an id. */
  readonly appId: string | undefined;
}

/** "foreign" for what no server can serve: another program's, which is left alone. Undefined for soketi's note that there is no such app. */
function entryIn({ name, text }: FoundText, format: CacheFormat): Entry | "foreign" | undefined {
  if (text === undefined) return undefined;
  if (text === null) return "foreign";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // So does a server.
    return "foreign";
  }
  if (!format.isServed(value)) return "foreign";
  const fields = value as Readonly<Record<string, unknown>>;
  // DynamoDB refuses the whole question for one id that is none.
  const appId = isHashKey(fields.id) ? fields.id : undefined;
  return { name, text, value: fields, appId };
}

async function findWrong(
  entries: readonly Entry[],
  { format }: AppCacheStore,
  table: AppsReader,
): Promise<Entry[]> {
  const now = await table.read(idsOf(entries));
  return entries.filter(({ name, appId = "", value }) => {
    const app = now.get(appId);
    const isNamedSo = app && [format.idName(app.id), format.keyName(app.key)].includes(name);
    return !isNamedSo || typeof value.secret !== "string";
  });
}

/** What soketi reads in its own way is left to it. */
async function findMisread(entries: readonly Entry[], table: AppsReader): Promise<Entry[]> {
  const now = await table.readItems(idsOf(entries));
  return entries.filter(({ name, appId = "", value }) => {
    if (hasOtherSpelling(value)) return true;
    const { app, reading } = now.get(appId) ?? {};
    if (app && isNamed(app, name) && sameAsCached(app, value)) return false;
    return !reading || !isNamed(reading, name) || !isReadingOf(reading, value);
  });
}

function idsOf(entries: readonly Entry[]): string[] {
  return [...new Set(entries.flatMap(({ appId }) => (appId === undefined ? [] : [appId])))];
}

function isNamed(app: { readonly id?: unknown; readonly key?: unknown }, name: string): boolean {
  return name === app.id || name === app.key;
}

function assertTime(remainingMs: number, done: string): void {
  if (remainingMs >= PAGE_RESERVE_MS) return;
  throw new DeadlineError(
    `expected to sweep the whole cache before the function's time-out, found no time left after ${done}: ` +
      "give the function more time or memory",
  );
}
