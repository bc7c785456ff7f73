import { FLAGS, LIMITS } from "./app.ts";
import type { App } from "./app.ts";
import { toSoketiWebhook } from "./soketi-shape.ts";

/** An attribute of a canonical item. */
export type ItemValue = { readonly S: string } | { readonly N: string } | { readonly BOOL: boolean };

/**
 * The item to write for an app, one spelling for each attribute: `normalize(toItem(app))` gives the same app and no
 * problem but those in the nature of a value, such as a MaxConnections of 0. Limits that are not set and an empty
 * list of webhooks are left out.
 */
export function toItem(app: App): Record<string, ItemValue> {
  const item: Record<string, ItemValue> = {
    AppId: { S: app.id },
    AppKey: { S: app.key },
    AppSecret: { S: app.secret },
  };
  if (app.previousSecret) {
    item.AppSecretPrevious = { S: app.previousSecret.secret };
    item.AppSecretPreviousUntil = { N: String(app.previousSecret.until) };
  }
  for (const { name, attribute } of FLAGS) item[attribute] = { BOOL: app[name] };
  for (const { name, attribute } of LIMITS) {
    const limit = app.limits[name];
    if (limit !== undefined) item[attribute] = { N: String(limit) };
  }
  if (app.webhooks.length > 0) item.Webhooks = { S: JSON.stringify(app.webhooks.map(toSoketiWebhook)) };
  return item;
}
