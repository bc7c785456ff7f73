import { type App, FLAGS, LIMITS } from "./app.ts";
import { diff } from "./diff.ts";
import { normalize } from "./normalize.ts";
import { type PublicApp, toPublicView } from "./public-view.ts";

/**
 * Whether an entry that soketi itself wrote into its app cache (`App.toObject()` of its dist/app.js, as JSON) says the
 * same as the app does. soketi fills limits that are not set with its server's defaults: those are not compared.
 */
export function sameAsCached(app: App, cached: CachedApp): boolean {
  const item = itemWithoutLimits(cached);
  for (const { name, attribute, unset } of LIMITS) {
    const value = limitValue(cached[name]);
    if (value === undefined) return false;
    // soketi takes a negative one literally where it has a default: nothing is allowed then.
    if (Number(cached[name]) < 0 && unset !== "unlimited") return false;
    if (app.limits[name] !== undefined) item[attribute] = value;
  }
  // soketi's shape has no previous secret.
  const present = { ...app, previousSecret: undefined };
  return diff(normalize(item), { app: present, id: app.id, key: app.key, problems: [] }) === undefined;
}

/** What may be shown of such an entry, or of soketi's own App; undefined when it is none. */
export function publicViewOfCached(cached: CachedApp): PublicApp | undefined {
  const item = itemWithoutLimits(cached);
  for (const { name, attribute } of LIMITS) item[attribute] = limitValue(cached[name]);
  const { app } = normalize(item);
  return app && toPublicView(app);
}

type CachedApp = Readonly<Record<string, unknown>>;

/** soketi keeps MaxConnections as it was written, and reads the number in it at each connection. */
function limitValue(value: unknown): { N: string } | { S: string } | undefined {
  if (typeof value === "number") return { N: String(value) };
  return typeof value === "string" ? { S: value } : undefined;
}

function itemWithoutLimits(cached: CachedApp): Record<string, unknown> {
  const item: Record<string, unknown> = {
    AppId: { S: cached.id },
    AppKey: { S: cached.key },
    AppSecret: { S: cached.secret },
    Webhooks: { S: JSON.stringify(cached.webhooks ?? []) },
  };
  // soketi asks only whether a flag is truthy: bytes that say "false" are.
  for (const { name, attribute } of FLAGS) item[attribute] = { BOOL: Boolean(cached[name]) };
  return item;
}
