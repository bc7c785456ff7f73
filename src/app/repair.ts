import { FLAGS, LIMITS } from "./app.ts";
import type { App } from "./app.ts";
import { diff } from "./diff.ts";
import { toItem } from "./item.ts";
import type { ItemValue } from "./item.ts";
import { normalize } from "./normalize.ts";
import { readAttribute } from "./read-attribute.ts";
import { field, isFields } from "./webhook-parts.ts";

/**
 * Spellings that every node with the normalizer understands, and soketi alone takes for something else. Each can be
 * rewritten without changing what the item means.
 */
export const REPAIR_CODES = {
  "flag-not-bool": "soketi alone takes any text or bytes for true. Write it as BOOL.",
  "limit-negative": "soketi alone takes a negative limit literally, and allows nothing. Leave it out.",
  "limit-not-number": "Write it as N.",
  "attribute-empty": "It says nothing. Leave it out.",
  "secret-not-text": "soketi alone signs with something else. Write it as S.",
  "webhooks-not-json": "Write them as S with a JSON array, as soketi documents it.",
  "webhook-lambda-missing":
    "soketi alone fails on a webhook with lambda_function and no lambda. Add an empty one.",
} as const;

export type RepairCode = keyof typeof REPAIR_CODES;

/** One attribute in its one spelling. */
export interface Repair {
  readonly attribute: string;
  readonly code: RepairCode;
  /** What to write; undefined: the attribute goes. */
  readonly value: ItemValue | undefined;
}

/**
 * What can be rewritten in an item so that it means the same and soketi alone reads it so, too. Nothing that would need a
 * guess: what the normalizer has an error for is left to its owner, and an item that is no app altogether.
 */
export function repairsOf(attributes: Readonly<Record<string, unknown>>): readonly Repair[] {
  const before = normalize(attributes);
  const { app } = before;
  if (!app) return [];
  const inDoubt = new Set(before.problems.filter(isInDoubt).map(({ attribute }) => attribute));
  const repairs = [
    ...(readType(attributes, "AppSecret") === "S" ? [] : [secret(app)]),
    ...FLAGS.flatMap(({ attribute }) => flag(attributes, attribute, toItem(app)[attribute])),
    ...LIMITS.flatMap((row) => limit(attributes, row, app)),
    ...webhooks(attributes),
  ].filter(({ attribute }) => !inDoubt.has(attribute));
  return meansTheSame(attributes, repairs) ? repairs : [];
}

/** The item after its repairs. */
export function repaired(
  attributes: Readonly<Record<string, unknown>>,
  repairs: readonly Repair[],
): Record<string, unknown> {
  const item: Record<string, unknown> = { ...attributes };
  for (const { attribute, value } of repairs) {
    if (value === undefined) Reflect.deleteProperty(item, attribute);
    else item[attribute] = value;
  }
  return item;
}

/** White space around a word and a type for text are in no doubt; all else that has a problem is. */
function isInDoubt({ code }: { code: string }): boolean {
  return code !== "surrounding-space" && code !== "identity-not-text" && code !== "max-connections-zero";
}

/** The guard over all of the above: a repair that changes the app, or brings a problem, is none. */
function meansTheSame(attributes: Readonly<Record<string, unknown>>, repairs: readonly Repair[]): boolean {
  const before = normalize(attributes);
  const after = normalize(repaired(attributes, repairs));
  return diff(before, after) === undefined && after.problems.length <= before.problems.length;
}

function readType(attributes: unknown, attribute: string): string {
  const reading = readAttribute(attributes, attribute);
  return reading.kind === "text" ? reading.type : reading.kind;
}

function secret(app: App): Repair {
  return { attribute: "AppSecret", code: "secret-not-text", value: { S: app.secret } };
}

function flag(
  attributes: Readonly<Record<string, unknown>>,
  attribute: string,
  value: ItemValue | undefined,
): Repair[] {
  const { kind } = readAttribute(attributes, attribute);
  if (kind === "text") return [{ attribute, code: "flag-not-bool", value }];
  return emptied(attributes, attribute, kind);
}

function limit(
  attributes: Readonly<Record<string, unknown>>,
  { attribute, name }: (typeof LIMITS)[number],
  app: App,
): Repair[] {
  const reading = readAttribute(attributes, attribute);
  if (reading.kind !== "text") return emptied(attributes, attribute, reading.kind);
  const value = app.limits[name];
  if (value === undefined) return [{ attribute, code: "limit-negative", value: undefined }];
  return reading.type === "N" ? [] : [{ attribute, code: "limit-not-number", value: { N: String(value) } }];
}

function webhooks(attributes: Readonly<Record<string, unknown>>): Repair[] {
  const attribute = "Webhooks";
  const reading = readAttribute(attributes, attribute);
  if (reading.kind === "list") return [asJson("webhooks-not-json", reading.items)];
  if (reading.kind !== "text") return emptied(attributes, attribute, reading.kind);
  const items = parseList(reading.text);
  if (!items) return [];
  if (reading.type !== "S") return [asJson("webhooks-not-json", items)];
  return items.some(lacksLambda) ? [asJson("webhook-lambda-missing", items)] : [];

  /** With all their fields, also those that nobody reads. */
  function asJson(code: RepairCode, list: readonly unknown[]): Repair {
    const complete = list.map((item) => (lacksLambda(item) ? { ...(item as object), lambda: {} } : item));
    return { attribute, code, value: { S: JSON.stringify(complete) } };
  }
}

function lacksLambda(item: unknown): boolean {
  return (
    isFields(item) && field(item, "lambda_function") !== undefined && field(item, "lambda") === undefined
  );
}

/** There, and saying nothing: `NULL: true`, or an empty text. */
function emptied(attributes: Readonly<Record<string, unknown>>, attribute: string, kind: string): Repair[] {
  return kind === "absent" && Object.hasOwn(attributes, attribute)
    ? [{ attribute, code: "attribute-empty", value: undefined }]
    : [];
}

function parseList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
