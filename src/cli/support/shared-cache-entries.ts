import type { App } from "../../app/app.ts";
import { publicViewOfCached, sameAsCached } from "../../app/cached-app.ts";
import type { AppEntries } from "../../pipeline/app-entries.ts";
import type { Tools } from "./tools.ts";

/** One entry of a shared cache, and in words what it holds. */
export interface SharedCacheEntry {
  /** As it is in Redis, without the fleet's prefix. */
  readonly name: string;
  readonly is: string;
}

/** What the shared caches hold of an app, under the names that it has by the table. */
export async function sharedCacheEntries(
  tools: Tools,
  appId: string,
  app: App | undefined,
): Promise<readonly SharedCacheEntry[]> {
  const { sharedCache } = tools.config;
  if (!sharedCache) return [];
  const { all } = await tools.sharedCache(sharedCache);
  return (await Promise.all(all.map((entries) => entriesIn(entries, appId, app)))).flat();
}

async function entriesIn(
  { store }: AppEntries,
  appId: string,
  app: App | undefined,
): Promise<SharedCacheEntry[]> {
  const { format } = store;
  const names = [...new Set([format.idName(appId), ...(app ? [format.keyName(app.key)] : [])])];
  const texts = await store.read(names);
  const server = format.server === "soketi" ? "" : ` of ${format.server}`;
  return names.map((name, i) => ({ name: `app:${name}${server}`, is: judge(texts[i]) }));

  function judge(json: string | undefined | null): string {
    if (json === undefined) return "not there";
    if (json === null) return `a key of another type, which ${format.server} cannot read`;
    // What soketi wrote itself has its server's defaults in it; nobody but the pipeline writes for sockudo.
    if (format.server === "sockudo")
      return app && format.json(app) === json ? "as the table" : "another state of the app";
    try {
      const value = JSON.parse(json) as Record<string, unknown>;
      if (!publicViewOfCached(value)) return "no app";
      return app && sameAsCached(app, value) ? "as the table" : "another state of the app";
    } catch {
      return "no JSON";
    }
  }
}
