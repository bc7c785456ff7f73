import type { App, Limits, Webhook, WebhookEventType, WebhookFilter } from "./app.ts";
import { isUrlWebhook } from "./soketi-shape.ts";

/** What may leave the pipeline over Redis. No secret, no header, no client option, no path or query of a URL. */
export interface PublicApp {
  readonly id: string;
  readonly key: string;
  readonly enabled: boolean;
  readonly enableClientMessages: boolean;
  readonly enableUserAuthentication: boolean;
  readonly limits: Limits;
  readonly webhooks: readonly PublicWebhook[];
}

export interface PublicWebhook {
  /** Scheme, host and port of the URL. */
  readonly origin?: string | undefined;
  readonly lambdaFunction?: string | undefined;
  readonly eventTypes: readonly WebhookEventType[];
  readonly filter?: WebhookFilter | undefined;
}

/** Picks what is public, name by name: an attribute that App gains later stays in until it is added here. */
export function toPublicView(app: App): PublicApp {
  const { id, key, enabled, enableClientMessages, enableUserAuthentication, limits } = app;
  return {
    id,
    key,
    enabled,
    enableClientMessages,
    enableUserAuthentication,
    limits,
    webhooks: app.webhooks.map(toPublicWebhook),
  };
}

function toPublicWebhook(webhook: Webhook): PublicWebhook {
  const { eventTypes, filter } = webhook;
  if (isUrlWebhook(webhook)) return { origin: new URL(webhook.url).origin, eventTypes, filter };
  return { lambdaFunction: webhook.lambdaFunction, eventTypes, filter };
}

/** What a changed path of the view, such as `limits.maxConnections`, leads to; undefined when it leads nowhere. */
export function valueAt(view: PublicApp | undefined, path: string): unknown {
  let value: unknown = view;
  for (const name of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}
