import type { LambdaWebhook, Webhook, WebhookFilter } from "./app.ts";
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

/** An own field, as it stands. */
export function ownField(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** An own field. Null, "", 0 and false are absent, as they are wherever soketi asks for one. */
export function field(fields: Fields, name: string): unknown {
  const value = ownField(fields, name);
  return value === null || value === "" || value === 0 || value === false ? undefined : value;
}

/** Text, or the text of a number or boolean. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "boolean" || Number.isFinite(value) ? String(value) : undefined;
}

/** The text that JavaScript makes of a value, which is what soketi compares with; undefined where a map is in it. */
function joinedText(value: unknown, depth = 0): string | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (!Array.isArray(value)) return value === null ? "" : scalarText(value);
  const texts = value.map((element) => joinedText(element, depth + 1));
  return texts.includes(undefined) ? undefined : texts.join(",");
}

/**
 * Which channels the webhook is for; `{}` when it is for all. Undefined drops the webhook: soketi compares channels with a
 * text that none begins or ends with, and so never sends it.
 */
export function readFilter(value: unknown, report: ReportPart): WebhookFilter | undefined {
  if (value === undefined) return {};
  if (!isFields(value)) {
    const expected = "expected a map of channel_name_starts_with and channel_name_ends_with";
    report(
      ".filter",
      "webhook-filter-ignored",
      `${expected}. Ignored, as in soketi: it is for all channels.`,
    );
    return {};
  }
  const starts = readAffix(value, "channel_name_starts_with", report);
  const ends = readAffix(value, "channel_name_ends_with", report);
  if (starts === undefined || ends === undefined) {
    report(".filter", "webhook-bad-filter", "expected text in it, found a map. The webhook is dropped.");
    return undefined;
  }
  return { channelNameStartsWith: starts || undefined, channelNameEndsWith: ends || undefined };
}

/** What the names of channels begin or end with; empty: with anything. */
function readAffix(filter: Fields, name: string, report: ReportPart): string | undefined {
  const value = field(filter, name);
  const text = value === undefined ? "" : joinedText(value);
  if (Array.isArray(value) && text !== undefined) {
    report(`.filter.${name}`, "webhook-filter-not-text", "expected text; found a list, joined by commas.");
  }
  return text;
}

/** What Node's HTTP client sends: with anything else soketi's POST fails each time, and silently. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** Of the control characters only the tab. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Over HTTP a list is a header for each element. To a function headers are data, which may be any. */
export type Carrier = "http" | "lambda";

/** The headers that can be sent; undefined when there are none. The problem names a position: a name can be a secret. */
export function readHeaders(value: unknown, carrier: Carrier, report: ReportPart): Webhook["headers"] {
  if (value === undefined) return undefined;
  if (!isFields(value)) {
    report(".headers", "webhook-header-ignored", "expected a map of names to text. Ignored.");
    return undefined;
  }
  const headers: [string, unknown][] = [];
  Object.keys(value).forEach((name, index) => {
    const content = plainCopy(value[name]);
    if (content !== undefined && (carrier === "lambda" || isSent(name, content)))
      headers.push([name, content]);
    else {
      const expected =
        carrier === "http"
          ? "expected an HTTP header's name, and text, a number, a boolean or a list of them as its value"
          : `expected at most ${MAX_DEPTH} levels`;
      report(`.headers, entry ${index + 1}`, "webhook-header-ignored", `${expected}. Ignored.`);
    }
  });
  return headers.length > 0 ? Object.fromEntries(headers) : undefined;
}

function isSent(name: string, content: unknown): boolean {
  const values: readonly unknown[] = Array.isArray(content) ? content : [content];
  return (
    HEADER_NAME.test(name) &&
    values.every((value) => {
      const text = scalarText(value);
      return text !== undefined && HEADER_VALUE.test(text);
    })
  );
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
  const region = field(value, "region");
  if (region !== undefined && typeof region !== "string") ignore(".region", "a region's name");
  const options = field(value, "client_options");
  const clientOptions = isFields(options) ? (plainCopy(options) as Fields | undefined) : undefined;
  if (options !== undefined && clientOptions === undefined) {
    ignore(".client_options", `a map of at most ${MAX_DEPTH} levels`);
  }
  const isEmpty = clientOptions === undefined || Object.keys(clientOptions).length === 0;
  return {
    async: readAsync(ownField(value, "async"), report),
    region: typeof region === "string" ? region : undefined,
    clientOptions: isEmpty ? undefined : clientOptions,
  };
}

/** soketi asks only whether there is anything: a word means what it says, "false" included, and all else is true. */
function readAsync(value: unknown, report: ReportPart): boolean | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const text = scalarText(value);
  const word = text === undefined ? undefined : wordToBoolean(text.trim());
  if (word !== undefined) return word;
  report(
    ".lambda.async",
    "webhook-async-not-boolean",
    "expected true or false. Taken as true, as in soketi.",
  );
  return true;
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
