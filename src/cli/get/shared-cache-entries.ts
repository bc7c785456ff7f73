import type { App } from "../../app/app.ts";
import { publicViewOfCached, sameAsCached } from "../../app/cached-app.ts";
import { hasOtherSpelling } from "../../app/soketi-reading.ts";
import type { AppEntries } from "../../pipeline/app-entries.ts";
import { LONG_TEXT } from "../../pipeline/ports.ts";
import type { Tools } from "../support/tools.ts";

/** One entry of a shared cache, and in words what it holds. */
export interface SharedCacheEntry {
  /** As it is in Redis, without the fleet's prefix. */
  readonly name: string;
  readonly is: string;
  /** Servers would take it for the app, or find none, and it is not what the table says. */
  readonly isWrong: boolean;
}

const AS_TABLE = "as the table";
const NOT_THERE = "not there";

/** What the shared caches hold of an app, under the names that it has by the table. */
export async function sharedCacheEntries(
  tools: Tools,
  appId: string,
  app: App | undefined,
): Promise<readonly SharedCacheEntry[]> {
  const { sharedCache } = tools.config;
  if (!sharedCache) return [];
  const { all } = await tools.sharedCache(sharedCache);
  const isRefreshed = sharedCache.mode === "refresh";
  return (await Promise.all(all.map((entries) => entriesIn(entries, appId, app, isRefreshed)))).flat();
}

async function entriesIn(
  { store }: AppEntries,
  appId: string,
  app: App | undefined,
  isRefreshed: boolean,
): Promise<SharedCacheEntry[]> {
  const { format } = store;
  const names = [...new Set([format.idName(appId), ...(app ? [format.keyName(app.key)] : [])])];
  const texts = await store.read(names);
  const server = format.server === "soketi" ? "" : ` of ${format.server}`;
  return names.map((name, i) => {
    const is = judge(texts[i]);
    return { name: `app:${name}${server}`, is, isWrong: isWrong(is) };
  });

  /** What soketi has written itself may be its own reading of the item: only the sweep can tell. */
  function isWrong(is: string): boolean {
    if (is === AS_TABLE) return false;
    if (is === NOT_THERE) return app !== undefined && !format.readsTable;
    return isRefreshed;
  }

  function judge(json: string | typeof LONG_TEXT | undefined | null): string {
    if (json === undefined) return NOT_THERE;
    if (json === LONG_TEXT) return "a longer text than any app's";
    if (json === null) return `a key of another type, which ${format.server} cannot read`;
    // As the pipeline writes it. What soketi wrote itself has its server's defaults in it; nobody else writes for sockudo.
    if (app && format.json(app) === json) return AS_TABLE;
    if (format.server === "sockudo") return "another state of the app";
    try {
      const value = JSON.parse(json) as Record<string, unknown>;
      if (!publicViewOfCached(value)) return "no app";
      return app && sameAsCached(app, value) && !hasOtherSpelling(value)
        ? AS_TABLE
        : "another state of the app";
    } catch {
      return "no JSON";
    }
  }
}
