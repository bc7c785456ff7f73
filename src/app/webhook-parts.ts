import type { LambdaWebhook, Webhook } from "./app.ts";
import { wordToBoolean } from "./normalize-values.ts";
import type { ProblemCode } from "./problems.ts";
import { MAX_DEPTH } from "./read-attribute.ts";

/** Tells what is wrong with a part of one webhook; `part` is its path in it, such as ".url". */
export type ReportPart = (part: string, code: ProblemCode, message: string) => void;

/** Plain data from JSON or from a native map: no getters, no cycles, but any names and any types. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own field. Null and "" are absent, as they are for soketi. */
export function field(fields: Fields, name: string): unknown {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return value === null || value === "" ? undefined : value;
}

/** Text, or the text of a number or boolean. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value)))
    return String(value);
  return undefined;
}

/** What Node's HTTP client sends: with anything else soketi's POST fails each time, and silently. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** Of the control characters only the tab. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The headers that can be sent; undefined when there are none. The problem names a position: a name can be a secret. */
export function readHeaders(value: unknown, report: ReportPart): Webhook["headers"] {
  if (value === undefined) return undefined;
  if (!isFields(value)) {
    report(".headers", "webhook-header-ignored", "expected a map of names to text. Ignored.");
    return undefined;
  }
  const headers: [string, string][] = [];
  Object.keys(value).forEach((name, index) => {
    const text = scalarText(value[name]);
    if (text !== undefined && HEADER_NAME.test(name) && HEADER_VALUE.test(text)) headers.push([name, text]);
    else {
      const expected = "expected an HTTP header's name, and text, a number or a boolean as its value";
      report(`.headers, entry ${index + 1}`, "webhook-header-ignored", `${expected}. Ignored.`);
    }
  });
  return headers.length > 0 ? Object.fromEntries(headers) : undefined;
}

/** Always an object: soketi reads `webhook.lambda.async` and throws when there is none. */
export function readLambda(value: unknown, report: ReportPart): LambdaWebhook["lambda"] {
  if (value === undefined) return {};
  const ignore = (part: string, expected: string) => {
    report(`.lambda${part}`, "webhook-lambda-option-ignored", `expected ${expected}. Ignored.`);
  };
  if (!isFields(value)) {
    ignore("", "a map of async, region and client_options");
    return {};
  }
  const [asyncField, region, options] = [
    field(value, "async"),
    field(value, "region"),
    field(value, "client_options"),
  ];
  const async = readAsync(asyncField);
  const clientOptions = isFields(options) ? (plainCopy(options) as Fields | undefined) : undefined;
  if (asyncField !== undefined && async === undefined) ignore(".async", "true or false");
  if (region !== undefined && typeof region !== "string") ignore(".region", "a region's name");
  if (options !== undefined && clientOptions === undefined) {
    ignore(".client_options", `a map of at most ${MAX_DEPTH} levels`);
  }
  return {
    ...(async !== undefined && { async }),
    ...(typeof region === "string" && { region }),
    ...(clientOptions !== undefined && Object.keys(clientOptions).length > 0 && { clientOptions }),
  };
}

/** soketi takes any text for true, "false" included; a word means what it says. */
function readAsync(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  const text = scalarText(value);
  return text === undefined ? undefined : wordToBoolean(text.trim());
}

/**
 * The data as JSON would give it back, so that it survives being written and read: no -0 and no Infinity. Undefined
 * when it is nested more deeply than an item can be, which would exhaust the stack of every later walk.
 */
function plainCopy(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : undefined;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const elements = value.map((element) => plainCopy(element, depth + 1));
    return elements.includes(undefined) ? undefined : elements;
  }
  const entries = Object.entries(value).map(([name, part]) => [name, plainCopy(part, depth + 1)] as const);
  return entries.some(([, part]) => part === undefined) ? undefined : Object.fromEntries(entries);
}
