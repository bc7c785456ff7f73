import { LIMITS } from "../../../../src/app/app.ts";
import { realApp } from "../fixtures.ts";
import { sentWebhooks } from "./webhook-sender.ts";

/** How a soketi with an app behaves towards its clients; "no app" when it has none. */
export type Behaviour = "no app" | Readonly<Record<string, unknown>>;

/**
 * What soketi's own App does with an object, as the places that use it do (dist/ws-handler.js, http-handler.js,
 * rate-limiters, channels, webhook-sender.js).
 */
export async function behaviourOf(object: Record<string, unknown> | undefined): Promise<Behaviour> {
  let app: Record<string, unknown>;
  if (object === undefined) return "no app";
  try {
    app = realApp(object) as unknown as Record<string, unknown>;
  } catch {
    return "no app";
  }
  return {
    id: textOf(app.id),
    key: textOf(app.key),
    signature: signatureOf(app),
    enabled: Boolean(app.enabled),
    enableClientMessages: Boolean(app.enableClientMessages),
    enableUserAuthentication: Boolean(app.enableUserAuthentication),
    ...Object.fromEntries(LIMITS.map((row) => [row.name, allowed(row, app[row.name])])),
    webhooks: await sentWebhooks(app.webhooks),
  };
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "throws";
  }
}

function signatureOf(app: Record<string, unknown>): string {
  try {
    return (app as unknown as { signingToken(...parts: string[]): string }).signingToken("POST", "/", "");
  } catch {
    return "cannot sign";
  }
}

/** How many are let through: a connection count, points a second, or a size. */
function allowed({ name, unset }: (typeof LIMITS)[number], value: unknown): unknown {
  if (name === "maxConnections") {
    try {
      // ws-handler.js
      const limit = Number.parseInt(value as string) || -1;
      return limit < 0 ? "all" : limit;
    } catch {
      return "throws";
    }
  }
  const limit = value as number;
  if (unset === "server-default") return Number.isNaN(limit) ? "all" : limit + 0;
  if (limit < 0) return "all";
  // rate-limiter-flexible
  return limit >= 0 ? limit + 0 : 4;
}
