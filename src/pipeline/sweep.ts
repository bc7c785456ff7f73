import type { App } from "../app/app.ts";
import { sameAsCached } from "../app/cached-app.ts";
import { DeadlineError } from "./errors.ts";
import type { AppsReader, SweepOutcome } from "./ports.ts";
import { cachedJson, type SharedCache } from "./shared-cache.ts";

export interface SweepContext {
  readonly cache: SharedCache;
  readonly table: AppsReader;
  /** Milliseconds left until the function is stopped. */
  readonly remainingMs: () => number;
}

/** A page takes less; what is not swept in time is swept the next time. Milliseconds. */
const PAGE_RESERVE_MS = 5_000;

/**
 * Compares the whole of soketi's shared app cache with the table and repairs what differs: the bound on how long
 * anything wrong can stay there.
 *
 * @throws DeadlineError when there is no time for the rest; what store and table throw.
 */
export async function sweep(context: SweepContext): Promise<SweepOutcome> {
  const written = context.cache.mode === "refresh" ? await sweepTable(context) : { apps: 0, repaired: 0 };
  return { ...written, ...(await sweepEntries(context)) };
}

/** Every app of the table is in the cache, as it should be. */
async function sweepTable({ cache, table, remainingMs }: SweepContext) {
  const { store } = cache;
  let apps = 0;
  let repaired = 0;
  for await (const page of table.pages()) {
    assertTime(remainingMs(), `${apps} apps`);
    const names = page.flatMap(({ appId, app }) => [appId, app?.key ?? appId]);
    const found = await store.read(names);
    const wrong = page.filter(({ app }, i) => {
      const json = cachedJson(app);
      return found[2 * i] !== json || found[2 * i + 1] !== json;
    });
    // Read again on the way: the page may be older than what is in the cache.
    await cache.repair(
      wrong.map(({ appId }) => appId),
      table,
    );
    const right = new Set(names);
    for (const { appId, app } of wrong) for (const name of [appId, app?.key ?? appId]) right.delete(name);
    await store.touch([...right]);
    apps += page.length;
    repaired += wrong.length;
  }
  return { apps, repaired };
}

/** Nothing is in the cache that the table does not know. */
async function sweepEntries({ cache, table, remainingMs }: SweepContext) {
  const { store } = cache;
  let entries = 0;
  let removed = 0;
  for await (const names of store.names()) {
    assertTime(remainingMs(), `${entries} entries`);
    const found = await store.read(names);
    const cached = names.flatMap((name, i) => {
      const app = parseApp(found[i]);
      return app ? [{ name, ...app }] : [];
    });
    const now = await table.read([...new Set(cached.map(({ appId }) => appId))]);
    const wrong = cached.filter(({ name, appId, value }) => {
      const app = now.get(appId);
      return !app || !isNamed(app, name) || (cache.mode === "evict" && !sameAsCached(app, value));
    });
    await store.release(wrong);
    entries += cached.length;
    removed += wrong.length;
  }
  return { entries, removed };
}

function isNamed(app: App, name: string): boolean {
  return name === app.id || name === app.key;
}

/** An app of the cache; undefined for whatever else is there, such as soketi's note that there is no such app. */
function parseApp(json: string | undefined): { appId: string; value: Record<string, unknown> } | undefined {
  if (json === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // soketi writes an empty text for an app that it did not find.
    return undefined;
  }
  const { id, key, secret } = (value ?? {}) as Record<string, unknown>;
  if (typeof id !== "string" || typeof key !== "string" || typeof secret !== "string") return undefined;
  return { appId: id, value: value as Record<string, unknown> };
}

function assertTime(remainingMs: number, done: string): void {
  if (remainingMs >= PAGE_RESERVE_MS) return;
  throw new DeadlineError(
    `expected to sweep the whole cache before the function's time-out, found no time left after ${done}: ` +
      "give the function more time or memory",
  );
}
