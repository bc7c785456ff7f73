import { type App, FLAGS, LIMITS } from "./app.ts";
import { diff } from "./diff.ts";
import { normalize } from "./normalize.ts";

/**
 * Whether an entry that soketi itself wrote into its app cache (`App.toObject()` of its dist/app.js, as JSON) says the
 * same as the app does. soketi fills limits that are not set with its server's defaults: those are not compared.
 */
export function sameAsCached(app: App, cached: Readonly<Record<string, unknown>>): boolean {
  const item: Record<string, unknown> = {
    AppId: { S: cached.id },
    AppKey: { S: cached.key },
    AppSecret: { S: cached.secret },
    Webhooks: { S: JSON.stringify(cached.webhooks ?? []) },
  };
  // soketi asks only whether a flag is truthy: bytes that say "false" are.
  for (const { name, attribute } of FLAGS) item[attribute] = { BOOL: Boolean(cached[name]) };
  for (const { name, attribute, unset } of LIMITS) {
    const value = cached[name];
    if (typeof value !== "number") return false;
    // soketi takes a negative one literally where it has a default: nothing is allowed then.
    if (value < 0 && unset !== "unlimited") return false;
    if (app.limits[name] !== undefined) item[attribute] = { N: String(value) };
  }
  return diff(normalize(item), { app, id: app.id, key: app.key, problems: [] }) === undefined;
}
