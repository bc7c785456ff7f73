import { type App, type LimitName, LIMITS, type Webhook, type WebhookEventType } from "./app.ts";
import type { Report } from "./problems.ts";
import { isUrlWebhook } from "./soketi-shape.ts";

/**
 * An app as sockudo 5.2.0 reads it from its cache (crates/sockudo-core/src/app.rs and webhook_types.rs). One number out of range,
 * or one field of another type, and it reads nothing of the app: to its clients there is none.
 */
export interface SockudoApp {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly enabled: boolean;
  readonly policy: {
    /** Whole numbers from 0 to 4294967295. What is left out is sockudo's own default. */
    readonly limits: Readonly<Record<string, number>>;
    readonly features: {
      readonly enable_client_messages: boolean;
      readonly enable_user_authentication: boolean;
    };
    readonly webhooks: readonly SockudoWebhook[];
  };
}

export type SockudoWebhook = SockudoUrlWebhook | SockudoLambdaWebhook;

interface SockudoWebhookBase {
  readonly event_types: readonly WebhookEventType[];
  readonly filter?: SockudoFilter | undefined;
}

interface SockudoUrlWebhook extends SockudoWebhookBase {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly lambda_function?: undefined;
  readonly lambda?: undefined;
}

interface SockudoLambdaWebhook extends SockudoWebhookBase {
  readonly url?: undefined;
  readonly headers?: undefined;
  /** Read for telling webhooks apart only: what is invoked is `lambda.function_name`. */
  readonly lambda_function: string;
  /** Both are required. */
  readonly lambda: { readonly function_name: string; readonly region: string };
}

interface SockudoFilter {
  readonly channel_prefix?: string | undefined;
  readonly channel_suffix?: string | undefined;
}

const MAX_U32 = 4_294_967_295;

interface LimitRule {
  /** What no limit is: 0, or nothing at all. Default nothing. */
  readonly unlimited?: 0;
  /**
   * Of a fraction, the smallest whole number with which sockudo refuses nothing that soketi takes. Default down: it compares a
   * presence member's size in kilobytes that are rounded down. An event's size it compares in bytes.
   */
  readonly round?: (value: number) => number;
  /** sockudo reads the number, and uses it nowhere. */
  readonly ignored?: true;
}

const RULES: Readonly<Partial<Record<LimitName, LimitRule>>> = {
  maxConnections: { unlimited: 0 },
  maxClientEventsPerSecond: { unlimited: 0 },
  maxBackendEventsPerSecond: { ignored: true },
  maxReadRequestsPerSecond: { ignored: true },
  maxEventPayloadInKb: { round: Math.ceil },
};

/**
 * @param report is told of everything that sockudo has no word for, by attribute.
 */
export function toSockudo(app: App, report: Report = () => undefined): SockudoApp {
  const { id, key, secret, enabled, enableUserAuthentication } = app;
  if (app.previousSecret) {
    const found = "sockudo takes the present secret only: requests with the previous one are refused there";
    report("AppSecretPrevious", "sockudo-no-overlap", `${found}. Change publishers over first.`);
  }
  return {
    id,
    key,
    secret,
    enabled,
    policy: {
      limits: toLimits(app, report),
      features: {
        enable_client_messages: toClientMessages(app, report),
        enable_user_authentication: enableUserAuthentication,
      },
      webhooks: toWebhooks(app.webhooks, report),
    },
  };
}

/** 0 client events a second are none: to sockudo they would be any number. */
function toClientMessages({ enableClientMessages, limits }: App, report: Report): boolean {
  if (!enableClientMessages || limits.maxClientEventsPerSecond !== 0) return enableClientMessages;
  const done = "sockudo takes 0 for no limit: client events are switched off instead";
  report(
    "MaxClientEventsPerSecond",
    "sockudo-client-events-off",
    `${done}. Set EnableClientMessages to false.`,
  );
  return false;
}

function toLimits({ limits }: App, report: Report): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { name, attribute } of LIMITS) {
    const { unlimited, round = Math.floor, ignored } = RULES[name] ?? {};
    const value = limits[name];
    if (value === undefined || value < 0) {
      if (unlimited !== undefined) found[snakeCase(name)] = unlimited;
      continue;
    }
    const number = Math.min(round(value), MAX_U32);
    found[snakeCase(name)] = number;
    if (ignored) {
      const advice = "Its server has a limit of requests for all apps together (rate_limiter)";
      report(attribute, "sockudo-limit-ignored", `sockudo has no such limit of an app. ${advice}.`);
    }
    if (value > MAX_U32) {
      report(attribute, "sockudo-limit-too-large", `More than sockudo reads. Taken as ${MAX_U32}.`);
    } else if (number !== value) {
      report(attribute, "sockudo-limit-rounded", `sockudo reads whole numbers. Taken as ${number}.`);
    }
  }
  return found;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Two of the same target are one to sockudo, and one of them is not sent (crates/sockudo-webhook/src/sender.rs): it tells them apart by
 * the whole URL, of which it never sends the fragment, or by `lambda_function`.
 */
function toWebhooks(webhooks: readonly Webhook[], report: Report): SockudoWebhook[] {
  const all = webhooks.map((webhook, index) => {
    const tell: Report = (part, code, message) => {
      report("Webhooks", code, `Webhook ${index + 1} in effect${part}: ${message}`);
    };
    return toWebhook(webhook, tell);
  });
  const used = new Set<string>();
  // One that is made up here may be what somebody else wrote.
  const known = new Set(all.map(targetOf));
  return all.map((webhook, index) => {
    const target = targetOf(webhook);
    if (!used.has(target)) {
      used.add(target);
      return webhook;
    }
    let n = index + 1;
    while (known.has(targetOf(withNumber(webhook, n)))) n += 1;
    const distinct = withNumber(webhook, n);
    known.add(targetOf(distinct));
    return distinct;
  });
}

function targetOf(webhook: SockudoWebhook): string {
  if (webhook.url === undefined) return webhook.lambda_function;
  return webhook.url;
}

/** The same target in other words. */
function withNumber(webhook: SockudoWebhook, n: number): SockudoWebhook {
  if (webhook.url === undefined) return { ...webhook, lambda_function: `${webhook.lambda_function} ${n}` };
  const distinct = new URL(webhook.url);
  distinct.hash = `webhook-${n}`;
  return { ...webhook, url: distinct.href };
}

function toWebhook(webhook: Webhook, report: Report): SockudoWebhook {
  const { eventTypes, filter, headers } = webhook;
  const common = {
    event_types: eventTypes,
    filter: filter && {
      channel_prefix: filter.channelNameStartsWith && wellFormed(filter.channelNameStartsWith),
      channel_suffix: filter.channelNameEndsWith && wellFormed(filter.channelNameEndsWith),
    },
  };
  // As it will be read there: what an older parser takes may not be what a newer one writes.
  if (isUrlWebhook(webhook))
    return { url: new URL(webhook.url).href, ...common, headers: toHeaders(headers, report) };
  const { lambdaFunction, lambda } = webhook;
  const payload =
    "sockudo always invokes asynchronously, and the function gets {time_ms, events} without headers";
  report("", "sockudo-lambda-payload", `${payload}; soketi gives it {payload, headers}. Have it read both.`);
  if (headers) {
    report(".headers", "sockudo-webhook-option-ignored", "sockudo gives a function no headers. Ignored.");
  }
  if (lambda.clientOptions) {
    const advice = "Its AWS client is set up by the environment of its process";
    report(
      ".lambda.client_options",
      "sockudo-webhook-option-ignored",
      `unknown to sockudo. Ignored. ${advice}.`,
    );
  }
  const name = wellFormed(lambdaFunction);
  const region = wellFormed(lambda.region ?? "us-east-1");
  return { lambda_function: name, lambda: { function_name: name, region }, ...common };
}

/** It sends these itself, and what a webhook has would be sent beside them. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "transfer-encoding",
  "x-pusher-key",
  "x-pusher-signature",
]);

/** One text for each name; a list is one header with commas, which HTTP takes for the same (RFC 9110, 5.3). */
function toHeaders(headers: Webhook["headers"], report: Report): Record<string, string> | undefined {
  const entries = Object.entries(headers ?? {}).flatMap(([name, value], index): [string, string][] => {
    if (!OWN_HEADERS.has(name.toLowerCase()))
      return [[name, Array.isArray(value) ? value.join(", ") : String(value)]];
    const advice = "sockudo sends its own";
    report(`.headers, entry ${index + 1}`, "sockudo-webhook-option-ignored", `${advice}. Ignored.`);
    return [];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Half of a surrogate pair, which JSON can hold and UTF-8 cannot, would make the whole app unreadable. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
