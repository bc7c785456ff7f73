import { equal } from "./equal.ts";
import { wordToBoolean } from "./normalize-values.ts";
import { type AttributeName, SPELLINGS } from "./spellings.ts";

/** An item as soketi's own App has it, without what it takes from its server's settings. As JSON: what its cache holds. */
export type SoketiReading = Readonly<Record<string, unknown>>;

/** What `App` of soketi's dist/app.js does with what it has found. */
type Convert = (value: unknown) => unknown;
const asItIs: Convert = (value) => value;
const whole: Convert = (value) => Number.parseInt(String(value));
const fraction: Convert = (value) => Number.parseFloat(String(value));

/** In the names of its `toObject()`. Without a default: the server's. */
const FIELDS: Readonly<Record<string, { attribute: AttributeName; convert: Convert; byDefault?: unknown }>> =
  {
    id: { attribute: "AppId", convert: asItIs, byDefault: "app-id" },
    key: { attribute: "AppKey", convert: asItIs, byDefault: "app-key" },
    secret: { attribute: "AppSecret", convert: asItIs, byDefault: "app-secret" },
    maxConnections: { attribute: "MaxConnections", convert: asItIs, byDefault: -1 },
    enableClientMessages: { attribute: "EnableClientMessages", convert: asItIs, byDefault: false },
    enabled: { attribute: "Enabled", convert: asItIs, byDefault: true },
    maxBackendEventsPerSecond: { attribute: "MaxBackendEventsPerSecond", convert: whole, byDefault: -1 },
    maxClientEventsPerSecond: { attribute: "MaxClientEventsPerSecond", convert: whole, byDefault: -1 },
    maxReadRequestsPerSecond: { attribute: "MaxReadRequestsPerSecond", convert: whole, byDefault: -1 },
    webhooks: { attribute: "Webhooks", convert: toList, byDefault: [] },
    maxPresenceMembersPerChannel: { attribute: "MaxPresenceMembersPerChannel", convert: whole },
    maxPresenceMemberSizeInKb: { attribute: "MaxPresenceMemberSizeInKb", convert: fraction },
    maxChannelNameLength: { attribute: "MaxChannelNameLength", convert: whole },
    maxEventChannelsAtOnce: { attribute: "MaxEventChannelsAtOnce", convert: whole },
    maxEventNameLength: { attribute: "MaxEventNameLength", convert: whole },
    maxEventPayloadInKb: { attribute: "MaxEventPayloadInKb", convert: fraction },
    maxEventBatchSize: { attribute: "MaxEventBatchSize", convert: whole },
    enableUserAuthentication: { attribute: "EnableUserAuthentication", convert: asItIs, byDefault: false },
  };

/**
 * What soketi makes of an item, misreadings and all.
 *
 * @param item attributes as the SDK gives them.
 * @returns undefined when it fails on it: to soketi there is no such app then.
 */
export function readAsSoketi(item: Readonly<Record<string, unknown>>): SoketiReading | undefined {
  const values = plainMap(item);
  const { EnableClientMessages: messages, Webhooks: webhooks } = values;
  if (Buffer.isBuffer(messages)) values.EnableClientMessages = isYes(messages.toString());
  if (typeof webhooks === "string") values.Webhooks = parsed(webhooks);
  try {
    const app = asApp(values);
    return (app.webhooks as unknown[]).every(hasEventTypes)
      ? (JSON.parse(JSON.stringify(app)) as SoketiReading)
      : undefined;
  } catch {
    // So does soketi's App: a map with a `toString` of its own is no number.
    return undefined;
  }
}

function asApp(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const app: Record<string, unknown> = {};
  for (const [name, { attribute, convert, byDefault }] of Object.entries(FIELDS)) {
    const set = SPELLINGS[attribute].map((spelling) => values[spelling]).filter(isSet);
    const found = set.at(-1) ?? byDefault;
    if (found !== undefined) app[name] = convert(found);
  }
  return app;
}

/**
 * Whether an entry of its cache says something under another name than soketi writes it: an entry is read as an item is, so that
 * this would hold instead.
 */
export function hasOtherSpelling(cached: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(FIELDS).some(([name, { attribute }]) =>
    SPELLINGS[attribute].some((spelling) => spelling !== name && isSet(cached[spelling])),
  );
}

/** Whether an entry of its cache says the same. What the server has filled in is not compared. */
export function isReadingOf(reading: SoketiReading, cached: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(reading).every(([name, value]) => equal(value, cached[name]));
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== "" && value !== null;
}

/** As JSON a list, and as a text nothing that has a number in it. */
class ItemSet {
  readonly #values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.#values = values;
  }

  toJSON(): readonly unknown[] {
    return this.#values;
  }
}

/** As the converter of the SDK that soketi has, 2.x. */
function plain(attribute: unknown): unknown {
  if (typeof attribute !== "object" || attribute === null) return undefined;
  const [type, value] = Object.entries(attribute).find(([, one]) => one !== undefined) ?? [];
  switch (type) {
    case "S":
    case "BOOL":
      return value;
    case "N":
      return Number(value);
    case "B":
      return Buffer.from(value as Uint8Array);
    case "SS":
      return new ItemSet(value as string[]);
    case "NS":
      return new ItemSet((value as string[]).map(Number));
    case "BS":
      return new ItemSet((value as Uint8Array[]).map((bytes) => Buffer.from(bytes)));
    case "NULL":
      return null;
    case "L":
      return (value as unknown[]).map(plain);
    case "M":
      return plainMap(value as object);
    default:
      return undefined;
  }
}

/** Assigned, as that converter does it: what is named `__proto__` is inherited from. */
function plainMap(attributes: object): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(attributes)) map[name] = plain(value);
  return map;
}

function toList(value: unknown): unknown {
  if (Array.isArray(value)) return value;
  const list = parsed(value);
  return Array.isArray(list) ? list : [];
}

function parsed(json: unknown): unknown {
  try {
    return JSON.parse(String(json)) as unknown;
  } catch {
    // So does soketi: no webhooks.
    return [];
  }
}

/** soketi asks each webhook's `event_types` whether it includes something: texts and bytes can tell as well. */
function hasEventTypes(webhook: unknown): boolean {
  const { event_types: types } = (webhook ?? {}) as { event_types?: { includes?: unknown } | null };
  return typeof types?.includes === "function";
}

/** The words of the package `boolean`, which soketi asks. */
function isYes(text: string): boolean {
  return wordToBoolean(text.trim()) === true;
}
