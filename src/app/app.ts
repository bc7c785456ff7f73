/**
 * What an app is, after normalization: one meaning for each attribute, whatever spelling the operator used.
 * Pure data. Everything else in the project speaks of apps in these terms.
 */
export interface App {
  /** `AppId`, the table's hash key. Never empty. */
  readonly id: string;
  /** `AppKey`: what clients connect with. Public. Never empty. */
  readonly key: string;
  /** `AppSecret`: signs API calls and channel authorizations. Never logged, never sent over Redis. */
  readonly secret: string;
  /** While a rotation of the secret overlaps; also when its end has passed. Absent when there is none. */
  readonly previousSecret?: PreviousSecret | undefined;
  /** Default true. A disabled app refuses connections with 4003. */
  readonly enabled: boolean;
  /** Default false. */
  readonly enableClientMessages: boolean;
  /** Default false. When true a client that does not sign in within the server's time-out is closed with 4009. */
  readonly enableUserAuthentication: boolean;
  readonly limits: Limits;
  /** In the order of the item. Only webhooks that soketi can run are in it. */
  readonly webhooks: readonly Webhook[];
}

/**
 * `AppSecretPrevious` and `AppSecretPreviousUntil`: the secret before the present one, which nodes with the agent take as well
 * until the overlap is over. soketi alone ignores it. It is kept from all that the present one is kept from.
 */
export interface PreviousSecret {
  readonly secret: string;
  /** Refused from then on, by the clock of each node. Whole seconds since 1970. */
  readonly until: number;
}

/** Limits that are always a number: -1 is "no limit". */
export interface AlwaysLimits {
  /** Connections across the fleet. soketi takes 0 for "no limit": it has no way to say none. */
  readonly maxConnections: number;
  /** Points per second, one for each channel of an event. */
  readonly maxBackendEventsPerSecond: number;
  /** Client events per second and connection. */
  readonly maxClientEventsPerSecond: number;
  readonly maxReadRequestsPerSecond: number;
}

/** Limits that may be unset: the server's own default applies then. Never negative. */
export interface OptionalLimits {
  readonly maxPresenceMembersPerChannel?: number;
  /** Kilobytes; may be a fraction. */
  readonly maxPresenceMemberSizeInKb?: number;
  /** Characters. */
  readonly maxChannelNameLength?: number;
  readonly maxEventChannelsAtOnce?: number;
  /** Characters. */
  readonly maxEventNameLength?: number;
  /** Kilobytes; may be a fraction. */
  readonly maxEventPayloadInKb?: number;
  readonly maxEventBatchSize?: number;
}

export type Limits = AlwaysLimits & OptionalLimits;
export type LimitName = keyof Limits;

/** The events soketi sends webhooks for. */
export const WEBHOOK_EVENT_TYPES = [
  "client_event",
  "channel_occupied",
  "channel_vacated",
  "member_added",
  "member_removed",
  "cache_miss",
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** Which channels a webhook is for. */
export interface WebhookFilter {
  readonly channelNameStartsWith?: string | undefined;
  readonly channelNameEndsWith?: string | undefined;
}

interface WebhookBase {
  /** Never empty. */
  readonly eventTypes: readonly WebhookEventType[];
  /**
   * Extra headers, each value as it was written: text, number, boolean or a list of them where they go over HTTP, any JSON
   * where they are part of a function's payload. May hold tokens: never logged, never sent over Redis.
   */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  /** Absent when the webhook is for all channels. */
  readonly filter?: WebhookFilter | undefined;
}

/** Sent as an HTTP POST. The URL may hold tokens in its path or query: only its origin may be shown. */
export interface UrlWebhook extends WebhookBase {
  readonly url: string;
}

/** Sent as an AWS Lambda invocation. */
export interface LambdaWebhook extends WebhookBase {
  readonly lambdaFunction: string;
  readonly lambda: {
    readonly async?: boolean | undefined;
    readonly region?: string | undefined;
    /** Options of soketi's AWS client. May hold credentials: never logged, never sent over Redis. */
    readonly clientOptions?: Readonly<Record<string, unknown>> | undefined;
  };
}

export type Webhook = UrlWebhook | LambdaWebhook;

/** The boolean attributes, with what holds when one is absent or unreadable. */
export const FLAGS = [
  { name: "enabled", attribute: "Enabled", default: true },
  { name: "enableClientMessages", attribute: "EnableClientMessages", default: false },
  { name: "enableUserAuthentication", attribute: "EnableUserAuthentication", default: false },
] as const;

/**
 * One row for each limit. `unset` is what an absent or negative value means: "unlimited" is stored as -1,
 * "server-default" is not stored at all. `fraction` says whether soketi reads the value with parseFloat.
 * `withoutNumber` is what holds for a value in which soketi finds no number, where that is not the same: its rate
 * limiters take NaN for 4 (rate-limiter-flexible), and we do not let more through than they do.
 */
export const LIMITS = [
  limit("maxConnections", "MaxConnections", "unlimited"),
  limit("maxBackendEventsPerSecond", "MaxBackendEventsPerSecond", "unlimited", { withoutNumber: 4 }),
  limit("maxClientEventsPerSecond", "MaxClientEventsPerSecond", "unlimited", { withoutNumber: 4 }),
  limit("maxReadRequestsPerSecond", "MaxReadRequestsPerSecond", "unlimited", { withoutNumber: 4 }),
  limit("maxPresenceMembersPerChannel", "MaxPresenceMembersPerChannel", "server-default"),
  limit("maxPresenceMemberSizeInKb", "MaxPresenceMemberSizeInKb", "server-default", { fraction: true }),
  limit("maxChannelNameLength", "MaxChannelNameLength", "server-default"),
  limit("maxEventChannelsAtOnce", "MaxEventChannelsAtOnce", "server-default"),
  limit("maxEventNameLength", "MaxEventNameLength", "server-default"),
  limit("maxEventPayloadInKb", "MaxEventPayloadInKb", "server-default", { fraction: true }),
  limit("maxEventBatchSize", "MaxEventBatchSize", "server-default"),
] as const;

function limit<Name extends LimitName, Unset extends "unlimited" | "server-default">(
  name: Name,
  attribute: Capitalize<Name>,
  unset: Unset,
  options: { readonly fraction?: boolean; readonly withoutNumber?: number } = {},
) {
  const { fraction = false, withoutNumber } = options;
  return { name, attribute, unset, fraction, withoutNumber } as const;
}
