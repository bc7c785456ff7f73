import type { App, Limits, UrlWebhook, Webhook, WebhookEventType } from "./app.ts";

/**
 * What soketi's own `new App(object, server)` reads, named as in its `toObject()` (dist/app.js). A limit that is
 * left out has the server's default.
 */
export interface SoketiApp extends Limits {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly enabled: boolean;
  readonly enableClientMessages: boolean;
  readonly enableUserAuthentication: boolean;
  readonly webhooks: readonly SoketiWebhook[];
}

/** One webhook as soketi's webhook sender reads it (dist/webhook-sender.js). */
export interface SoketiWebhook {
  readonly url?: string | undefined;
  readonly lambda_function?: string | undefined;
  readonly event_types: readonly WebhookEventType[];
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly filter?: SoketiFilter | undefined;
  /** There for every webhook with `lambda_function`: soketi reads its fields without asking whether it is. */
  readonly lambda?: SoketiLambda | undefined;
}

interface SoketiFilter {
  readonly channel_name_starts_with?: string | undefined;
  readonly channel_name_ends_with?: string | undefined;
}

interface SoketiLambda {
  readonly async?: boolean | undefined;
  readonly region?: string | undefined;
  readonly client_options?: Readonly<Record<string, unknown>> | undefined;
}

/** Without the previous secret: soketi would not read it, and its cache is a place where nobody else needs it. */
export function toSoketi(app: App): SoketiApp {
  const { limits, webhooks, previousSecret: _agents, ...rest } = app;
  return { ...rest, ...limits, webhooks: webhooks.map(toSoketiWebhook) };
}

export function isUrlWebhook(webhook: Webhook): webhook is UrlWebhook {
  return "url" in webhook;
}

export function toSoketiWebhook(webhook: Webhook): SoketiWebhook {
  const { eventTypes, headers, filter } = webhook;
  return {
    ...toSoketiTarget(webhook),
    event_types: eventTypes,
    headers,
    filter: filter && {
      channel_name_starts_with: filter.channelNameStartsWith,
      channel_name_ends_with: filter.channelNameEndsWith,
    },
  };
}

function toSoketiTarget(webhook: Webhook): Pick<SoketiWebhook, "url" | "lambda_function" | "lambda"> {
  if (isUrlWebhook(webhook)) return { url: webhook.url };
  const { async, region, clientOptions } = webhook.lambda;
  return {
    lambda_function: webhook.lambdaFunction,
    lambda: { async, region, client_options: clientOptions },
  };
}
