import { own } from "./attribute.ts";
import { readAttribute } from "./read-attribute.ts";
import type { Reading } from "./read-attribute.ts";

/**
 * Every name under which soketi's own App reads an attribute (dist/app.js), by the name that it documents. In its order:
 * of several that are set, the last one holds.
 */
export const SPELLINGS = {
  AppId: ["id", "AppId"],
  AppKey: ["key", "AppKey"],
  AppSecret: ["secret", "AppSecret"],
  Enabled: ["enabled", "Enabled"],
  EnableClientMessages: ["enableClientMessages", "EnableClientMessages", "enable_client_messages"],
  EnableUserAuthentication: [
    "enableUserAuthentication",
    "EnableUserAuthentication",
    "enable_user_authentication",
  ],
  MaxConnections: ["maxConnections", "MaxConnections", "max_connections"],
  MaxBackendEventsPerSecond: [
    "maxBackendEventsPerSecond",
    "MaxBackendEventsPerSecond",
    "max_backend_events_per_sec",
  ],
  MaxClientEventsPerSecond: [
    "maxClientEventsPerSecond",
    "MaxClientEventsPerSecond",
    "max_client_events_per_sec",
  ],
  MaxReadRequestsPerSecond: ["maxReadRequestsPerSecond", "MaxReadRequestsPerSecond", "max_read_req_per_sec"],
  MaxPresenceMembersPerChannel: [
    "maxPresenceMembersPerChannel",
    "MaxPresenceMembersPerChannel",
    "max_presence_members_per_channel",
  ],
  MaxPresenceMemberSizeInKb: [
    "maxPresenceMemberSizeInKb",
    "MaxPresenceMemberSizeInKb",
    "max_presence_member_size_in_kb",
  ],
  MaxChannelNameLength: ["maxChannelNameLength", "MaxChannelNameLength", "max_channel_name_length"],
  MaxEventChannelsAtOnce: ["maxEventChannelsAtOnce", "MaxEventChannelsAtOnce", "max_event_channels_at_once"],
  MaxEventNameLength: ["maxEventNameLength", "MaxEventNameLength", "max_event_name_length"],
  MaxEventPayloadInKb: ["maxEventPayloadInKb", "MaxEventPayloadInKb", "max_event_payload_in_kb"],
  MaxEventBatchSize: ["maxEventBatchSize", "MaxEventBatchSize", "max_event_batch_size"],
  Webhooks: ["webhooks", "Webhooks"],
} as const satisfies Record<string, readonly string[]>;

/** An attribute under the name that soketi documents. */
export type AttributeName = keyof typeof SPELLINGS;

/** Names of attributes whose values are never shown: secrets, and webhooks, whose URLs and headers hold tokens. */
export const SECRET_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...SPELLINGS.AppSecret,
  "AppSecretPrevious",
  ...SPELLINGS.Webhooks,
]);

/** The undocumented spellings of an attribute: whoever writes it has to remove them, as they may hold instead. */
export function otherSpellings(attribute: string): readonly string[] {
  const names: readonly string[] = isAttributeName(attribute) ? SPELLINGS[attribute] : [];
  return names.filter((name) => name !== attribute);
}

/** An attribute as one of its spellings says it. */
export interface Spelled {
  readonly name: string;
  /** As it stands in the item. */
  readonly value: unknown;
  readonly reading: Reading;
}

/** Finds the spellings of an attribute that are set, in soketi's order. Never throws. */
export type FindSpellings = (attribute: AttributeName) => readonly Spelled[];

const OTHER_NAMES: ReadonlySet<string> = new Set(Object.keys(SPELLINGS).flatMap(otherSpellings));

export function spellingsIn(attributes: object): FindSpellings {
  // Most items have none, and to look for 28 names more would cost more than all the rest of reading an item.
  const hasOthers = hasOtherNames(attributes);
  return (attribute) => {
    if (!hasOthers) return spelledAs(attributes, attribute) ?? NONE;
    return SPELLINGS[attribute].flatMap((name) => spelledAs(attributes, name) ?? NONE);
  };
}

const NONE: readonly [] = [];

function hasOtherNames(attributes: object): boolean {
  try {
    return Object.keys(attributes).some((name) => OTHER_NAMES.has(name));
  } catch {
    // A proxy that throws. Each name is tried, and unreadable.
    return true;
  }
}

function spelledAs(attributes: object, name: string): readonly [Spelled] | undefined {
  const reading = readAttribute(attributes, name);
  if (reading.kind === "absent" && name !== "Webhooks") return undefined;
  const spelled = { name, value: rawValue(attributes, name), reading };
  return name !== "Webhooks" || isWebhooksSet(spelled) ? [spelled] : undefined;
}

const EMPTY_JSON = /^[ \t\r\n]*(?:null|"")[ \t\r\n]*$/;

/**
 * soketi's driver decodes `Webhooks`, and no other spelling, before its App looks for what is set: JSON of null or "" is
 * not, and an empty text, which is no JSON, is an empty list.
 */
function isWebhooksSet({ value, reading }: Spelled): boolean {
  if (reading.kind === "absent") return rawValue(value, "S") === "";
  return reading.kind !== "text" || reading.type !== "S" || !EMPTY_JSON.test(reading.text);
}

function rawValue(owner: unknown, name: string): unknown {
  try {
    return own(owner, name);
  } catch {
    // A getter that throws. The reading of it is "unreadable".
    return undefined;
  }
}

function isAttributeName(name: string): name is AttributeName {
  return Object.hasOwn(SPELLINGS, name);
}
