import { FLAGS, LIMITS } from "../../../../src/app/app.ts";
import { SPELLINGS, type AttributeName } from "../../../../src/app/spellings.ts";
import { unmarshallBySoketi } from "../fixtures.ts";
import { BIG_NUMBER } from "./attribute-values.ts";
import { isMap, isSaid, type Raw, utf8, withField, without } from "./values.ts";

/**
 * One difference between soketi alone and us, as what would have to stand in soketi's own object for it to do the same.
 * Undefined: there is no app.
 */
export type Difference = (object: Raw, item: Raw) => Raw | undefined | Promise<Raw | undefined>;

/** The name that holds in an object, by soketi's order. */
export function effectiveName(object: Raw, attribute: AttributeName): string | undefined {
  return SPELLINGS[attribute].filter((name) => isSaid(object[name])).pop();
}

const YES = ["true", "t", "yes", "y", "on", "1"];
const NO = ["false", "f", "no", "n", "off", "0"];

/** What a text or bytes say of a flag. */
export function wordOf(value: unknown): boolean | undefined {
  const text = Buffer.isBuffer(value) ? utf8(value) : value;
  const word = typeof text === "string" ? text.trim().toLowerCase() : "";
  return YES.includes(word) || (NO.includes(word) ? false : undefined);
}

const eachFlag =
  (said: (value: unknown, fallback: boolean) => boolean | undefined): Difference =>
  (object) =>
    FLAGS.reduce((changed, { attribute, default: fallback }) => {
      const name = effectiveName(changed, attribute);
      const meant = name === undefined ? undefined : said(changed[name], fallback);
      return name === undefined || meant === undefined ? changed : withField(changed, name, meant);
    }, object);

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The number that a value is written as, without anything beside it. */
function decimalOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  const text = Buffer.isBuffer(value) ? utf8(value) : value;
  return typeof text === "string" && DECIMAL.test(text.trim()) ? Number(text) : undefined;
}

/** What soketi reads in it. */
function parse(value: unknown, fraction: boolean): number {
  try {
    return fraction ? Number.parseFloat(value as string) : Number.parseInt(value as string);
  } catch {
    return Number.NaN;
  }
}

type Row = (typeof LIMITS)[number];

/** `said` gives what must stand there: undefined is nothing, and `value` itself changes nothing. */
const eachLimit =
  (said: (value: unknown, row: Row) => unknown): Difference =>
  (object) =>
    LIMITS.reduce((changed, row) => {
      const name = effectiveName(changed, row.attribute);
      if (name === undefined) return changed;
      const meant = said(changed[name], row);
      if (meant === changed[name]) return changed;
      return meant === undefined
        ? without(changed, ...SPELLINGS[row.attribute])
        : withField(changed, name, meant);
    }, object);

function isNoText(value: unknown): boolean {
  try {
    String(value);
    return false;
  } catch {
    return true;
  }
}

const IDENTITY = ["AppId", "AppKey", "AppSecret"] as const;
const identities = (object: Raw): unknown[] =>
  IDENTITY.map((attribute) => object[effectiveName(object, attribute) ?? attribute]);

/** In this order, those of the webhooks between the first two and the rest. */
export const ATTRIBUTE_DIFFERENCES: Readonly<Record<string, Difference>> = {
  "identity-missing": (object) => (identities(object).every(isSaid) ? object : undefined),
  "identity-of-other-type": (object) =>
    identities(object).every(
      (value) =>
        typeof value === "string" ||
        typeof value === "number" ||
        (Buffer.isBuffer(value) && utf8(value) !== undefined),
    )
      ? object
      : undefined,
  "identity-number": (object) =>
    IDENTITY.reduce((changed, attribute) => {
      const name = effectiveName(changed, attribute);
      const value = name === undefined ? undefined : changed[name];
      if (name === undefined || typeof value !== "number") return changed;
      return withField(changed, name, value === Number(BIG_NUMBER) ? BIG_NUMBER : String(value));
    }, object),
  "flag-word": eachFlag((value) => wordOf(value)),
  "flag-unreadable": eachFlag((value, fallback) =>
    typeof value === "boolean" || value === 0 || value === 1 ? undefined : fallback,
  ),
  "limit-map": eachLimit((value, row) => {
    if (!isNoText(value)) return value;
    return row.name === "maxConnections" ? undefined : "none";
  }),
  "limit-negative": eachLimit((value, { fraction, unset }) => {
    const number = decimalOf(value) ?? parse(value, fraction);
    if (!(number < 0)) return value;
    return unset === "unlimited" ? -1 : undefined;
  }),
  "limit-too-large": eachLimit((value, { fraction }) => {
    const number = decimalOf(value) ?? parse(value, fraction);
    return number > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value;
  }),
  "limit-decimal": eachLimit((value, { fraction }) => {
    const number = decimalOf(value);
    if (number === undefined) return value;
    return fraction ? number : Math.trunc(number);
  }),
  "limit-without-number": eachLimit((value, { fraction, unset }) =>
    unset === "server-default" && Number.isNaN(parse(value, fraction)) ? undefined : value,
  ),
};

function isEmptyBinary(value: unknown): boolean {
  const content = isMap(value) ? value.B : undefined;
  return Buffer.isBuffer(content) && content.length === 0;
}

const KNOWN = Object.values(SPELLINGS).flat() as readonly string[];

/** Before all else. */
export const FIRST_DIFFERENCES: Readonly<Record<string, Difference>> = {
  "prototype-attribute": (object, item) =>
    Object.hasOwn(item, "__proto__") ? unmarshallBySoketi(without(item, "__proto__")) : object,
  // Of one of them soketi's driver has made false before.
  "empty-binary": (object, item) => without(object, ...KNOWN.filter((name) => isEmptyBinary(item[name]))),
};
