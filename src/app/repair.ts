import { FLAGS, LIMITS } from "./app.ts";
import type { App } from "./app.ts";
import { diff } from "./diff.ts";
import { toItem } from "./item.ts";
import type { ItemValue } from "./item.ts";
import { type Normalized, normalize } from "./normalize.ts";
import { parseWebhooks } from "./normalize-webhooks.ts";
import { readAttribute } from "./read-attribute.ts";
import { otherSpellings, spellingsIn, SPELLINGS } from "./spellings.ts";
import type { AttributeName } from "./spellings.ts";
import { field, isFields } from "./webhook-parts.ts";

/**
 * Spellings that every node with the normalizer understands, and soketi alone takes for something else, or does not
 * document. Each can be rewritten without changing what the item means.
 */
export const REPAIR_CODES = {
  "name-undocumented":
    "soketi reads this name but does not document it. Write the documented one in its place.",
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

/** An attribute, and what to write; undefined: the attribute goes. */
export type AttributeWrite = Pick<Repair, "attribute" | "value">;

type Attributes = Readonly<Record<string, unknown>>;

/**
 * What can be rewritten in an item so that it means the same and soketi alone reads it so, too. Nothing that would need a
 * guess: what the normalizer has an error for is left to its owner, and an item that is no app altogether.
 */
export function repairsOf(attributes: Attributes): readonly Repair[] {
  const before = normalize(attributes);
  const { app } = before;
  if (!app) return [];
  const inDoubt = new Set(before.problems.filter(isInDoubt).map(({ attribute }) => attribute));
  const names = (Object.keys(SPELLINGS) as AttributeName[]).filter((attribute) => !inDoubt.has(attribute));
  const repairs = names.flatMap((attribute) => repairOne(attributes, attribute, app));
  return meansTheSame(before, normalize(repaired(attributes, repairs))) ? repairs : [];
}

/** The item after its repairs. */
export function repaired(
  attributes: Attributes,
  repairs: readonly AttributeWrite[],
): Record<string, unknown> {
  const item: Record<string, unknown> = { ...attributes };
  for (const { attribute, value } of repairs) {
    if (value === undefined) Reflect.deleteProperty(item, attribute);
    else item[attribute] = value;
  }
  return item;
}

const NO_DOUBT: ReadonlySet<string> = new Set([
  "surrounding-space",
  "identity-not-text",
  "max-connections-zero",
  "undocumented-spelling",
  "webhooks-encoded-twice",
]);

/** White space around a word, a type for text and another name are in no doubt; all else that has a problem is. */
function isInDoubt({ code }: { code: string }): boolean {
  return !NO_DOUBT.has(code);
}

/** The guard over all repairs: one that changes the app, or brings a problem, is none. */
function meansTheSame(before: Normalized, after: Normalized): boolean {
  return diff(before, after) === undefined && after.problems.length <= before.problems.length;
}

function repairOne(attributes: Attributes, attribute: AttributeName, app: App): Repair[] {
  const others = otherSpellings(attribute).filter((name) => Object.hasOwn(attributes, name));
  const removals = others.map((name): Repair => ({
    attribute: name,
    code: readAttribute(attributes, name).kind === "absent" ? "attribute-empty" : "name-undocumented",
    value: undefined,
  }));
  // All that are set say the same: what stands under the documented name is as good as what holds.
  const isDocumented = readAttribute(attributes, attribute).kind !== "absent";
  const effective = isDocumented ? undefined : spellingsIn(attributes)(attribute).at(-1);
  if (!effective) return [...removals, ...rewrite(attributes, attribute, app)];
  const renamed = { [attribute]: effective.value };
  const [repair] = rewrite(renamed, attribute, app);
  const value = repair ? repair.value : asWritten(renamed, attribute, app);
  if (value === undefined && !Object.hasOwn(attributes, attribute)) return removals;
  return [...removals, { attribute, code: repair?.code ?? "name-undocumented", value }];
}

/** A value that needs no repair but its name. */
function asWritten(renamed: Attributes, attribute: AttributeName, app: App): ItemValue | undefined {
  const reading = readAttribute(renamed, attribute);
  return attribute === "Webhooks" && reading.kind === "text" ? { S: reading.text } : toItem(app)[attribute];
}

/** What stands under the documented name, in its one spelling. */
function rewrite(attributes: Attributes, attribute: AttributeName, app: App): Repair[] {
  if (attribute === "AppSecret") return rewriteSecret(attributes, app);
  if (attribute === "Webhooks") return rewriteWebhooks(attributes);
  const limit = LIMITS.find((one) => one.attribute === attribute);
  if (limit) return rewriteLimit(attributes, limit, app);
  return FLAGS.some((one) => one.attribute === attribute)
    ? rewriteFlag(attributes, attribute, toItem(app)[attribute])
    : [];
}

function rewriteSecret(attributes: Attributes, app: App): Repair[] {
  const attribute = "AppSecret";
  const reading = readAttribute(attributes, attribute);
  const isRight = reading.kind === "text" && reading.type === "S";
  return isRight ? [] : [{ attribute, code: "secret-not-text", value: { S: app.secret } }];
}

function rewriteFlag(attributes: Attributes, attribute: string, value: ItemValue | undefined): Repair[] {
  const { kind } = readAttribute(attributes, attribute);
  if (kind === "text") return [{ attribute, code: "flag-not-bool", value }];
  return removeEmpty(attributes, attribute, kind);
}

function rewriteLimit(
  attributes: Attributes,
  { attribute, name }: (typeof LIMITS)[number],
  app: App,
): Repair[] {
  const reading = readAttribute(attributes, attribute);
  if (reading.kind !== "text") return removeEmpty(attributes, attribute, reading.kind);
  const value = app.limits[name];
  if (value === undefined) return [{ attribute, code: "limit-negative", value: undefined }];
  return reading.type === "N" ? [] : [{ attribute, code: "limit-not-number", value: { N: String(value) } }];
}

function rewriteWebhooks(attributes: Attributes): Repair[] {
  const attribute = "Webhooks";
  const reading = readAttribute(attributes, attribute);
  if (reading.kind === "list") return [asJson("webhooks-not-json", reading.items)];
  if (reading.kind !== "text") return removeEmpty(attributes, attribute, reading.kind);
  const parsed = parseWebhooks(reading.text);
  if (!parsed) return [];
  if (reading.type !== "S" || parsed.isEncodedTwice) return [asJson("webhooks-not-json", parsed.list)];
  return parsed.list.some(lacksLambda) ? [asJson("webhook-lambda-missing", parsed.list)] : [];
}

/** With all their fields, also those that nobody reads. */
function asJson(code: RepairCode, list: readonly unknown[]): Repair {
  const complete = list.map((item) => (lacksLambda(item) ? { ...(item as object), lambda: {} } : item));
  return { attribute: "Webhooks", code, value: { S: JSON.stringify(complete) } };
}

function lacksLambda(item: unknown): boolean {
  return (
    isFields(item) && field(item, "lambda_function") !== undefined && field(item, "lambda") === undefined
  );
}

/** Of what is there and says nothing: `NULL: true`, or an empty text. */
function removeEmpty(attributes: Attributes, attribute: string, kind: string): Repair[] {
  return kind === "absent" && Object.hasOwn(attributes, attribute)
    ? [{ attribute, code: "attribute-empty", value: undefined }]
    : [];
}
