import { WEBHOOK_EVENT_TYPES } from "./app.ts";
import type { LambdaWebhook, UrlWebhook, Webhook, WebhookEventType } from "./app.ts";
import { describe } from "./normalize-values.ts";
import type { Report } from "./problems.ts";
import type { Reading } from "./read-attribute.ts";
import { field, isFields, readFilter, readHeaders, readLambda } from "./webhook-parts.ts";
import type { Fields, ReportPart } from "./webhook-parts.ts";
import { readUrl } from "./webhook-url.ts";

/**
 * The webhooks that soketi can run, in their order. A bad one is dropped with a problem and the rest stay: in soketi
 * one webhook without `event_types` makes `new App` throw, and the whole app "does not exist".
 */
export function readWebhooks(reading: Reading, report: Report): readonly Webhook[] {
  if (reading.kind === "absent") return [];
  const text = reading.kind === "text" ? reading.text : undefined;
  if (text !== undefined && text === lastGood?.text) return lastGood.webhooks;
  let problems = 0;
  const webhooks = readAnew(reading, (...problem) => {
    problems += 1;
    report(...problem);
  });
  if (text !== undefined && problems === 0) lastGood = { text, webhooks };
  return webhooks;
}

/** The last text without a problem: an item's images before and after a write mostly have the same. */
let lastGood: { readonly text: string; readonly webhooks: readonly Webhook[] } | undefined;

function readAnew(reading: Reading, report: Report): readonly Webhook[] {
  const items = itemsOf(reading, report);
  if (items === undefined) {
    const expected = "Expected a list, or text with a JSON array";
    report(
      "Webhooks",
      "webhooks-unreadable",
      `${expected}; found ${describe(reading)}. Taken as no webhooks.`,
    );
    return [];
  }
  return items.flatMap((item, index) => {
    const path = `Webhooks[${index}]`;
    const webhook = readWebhook(item, (part, code, message) => {
      report("Webhooks", code, `${path}${part}: ${message}`);
    });
    return webhook === undefined ? [] : [webhook];
  });
}

function itemsOf(reading: Reading, report: Report): readonly unknown[] | undefined {
  if (reading.kind === "list") return reading.items;
  const text =
    reading.kind === "text" ? reading.text : reading.kind === "unreadable" ? reading.lossyText : "";
  const items = parseWebhooks(text ?? "");
  if (items?.isEncodedTwice) {
    const found = "Expected a JSON array; found it encoded twice";
    report("Webhooks", "webhooks-encoded-twice", `${found}. Read anyway. Encode it once.`);
  }
  if (items && reading.kind === "unreadable") {
    report("Webhooks", "webhooks-not-utf8", "Read without the bytes that are not UTF-8. Write S.");
  }
  return items?.list;
}

/** The elements of webhooks in JSON, also in JSON that was encoded again as JSON. Undefined: it is no array. */
export function parseWebhooks(
  text: string,
): { list: readonly unknown[]; isEncodedTwice: boolean } | undefined {
  try {
    const outer: unknown = JSON.parse(text);
    const isEncodedTwice = typeof outer === "string";
    const value: unknown = isEncodedTwice ? JSON.parse(outer) : outer;
    return Array.isArray(value) ? { list: value, isEncodedTwice } : undefined;
  } catch {
    // The parser's own message quotes the text, which may hold tokens.
    return undefined;
  }
}

function readWebhook(item: unknown, report: ReportPart): Webhook | undefined {
  if (!isFields(item)) {
    report("", "webhook-unreadable", "expected a map with url or lambda_function. Dropped.");
    return undefined;
  }
  const target = readTarget(item, report);
  const eventTypes = readEventTypes(field(item, "event_types"), report);
  const filter = readFilter(field(item, "filter"), report);
  const carrier = field(item, "url") === undefined ? "lambda" : "http";
  const headers = readHeaders(field(item, "headers"), carrier, report);
  if (target === undefined || eventTypes === undefined || filter === undefined) return undefined;
  const isForAll = filter.channelNameStartsWith === undefined && filter.channelNameEndsWith === undefined;
  return { ...target, eventTypes, headers, filter: isForAll ? undefined : filter };
}

/** soketi posts to the url when there is one, and looks at lambda_function only otherwise (dist/webhook-sender.js). */
function readTarget(
  item: Fields,
  report: ReportPart,
): Pick<UrlWebhook, "url"> | Pick<LambdaWebhook, "lambdaFunction" | "lambda"> | undefined {
  const written = field(item, "url");
  const lambdaFunction = field(item, "lambda_function");
  if (written !== undefined) {
    if (lambdaFunction !== undefined) {
      report("", "webhook-two-targets", "has url and lambda_function; soketi uses the url only. Remove one.");
    }
    const url = readUrl(written, report);
    return url === undefined ? undefined : { url };
  }
  if (lambdaFunction === undefined) {
    report("", "webhook-without-target", "has neither url nor lambda_function. Dropped.");
    return undefined;
  }
  if (typeof lambdaFunction !== "string" || lambdaFunction.trim() === "") {
    report(".lambda_function", "webhook-bad-function", "expected a function's name. The webhook is dropped.");
    return undefined;
  }
  return { lambdaFunction, lambda: readLambda(field(item, "lambda"), report) };
}

const KNOWN_EVENTS: ReadonlySet<unknown> = new Set(WEBHOOK_EVENT_TYPES);

/** The known event types, each once, in the order of WEBHOOK_EVENT_TYPES: a set has no order that could change. */
function readEventTypes(value: unknown, report: ReportPart): readonly WebhookEventType[] | undefined {
  let names: readonly unknown[] = Array.isArray(value) ? value : [];
  if (typeof value === "string") {
    // soketi asks event_types.includes(name), which is true of a text with the name anywhere in it.
    report(
      ".event_types",
      "webhook-events-not-a-list",
      "expected a list; found text. The types that it contains apply.",
    );
    names = WEBHOOK_EVENT_TYPES.filter((type) => value.includes(type));
  }
  const found = new Set<unknown>();
  names.forEach((name, index) => {
    if (KNOWN_EVENTS.has(name)) found.add(name);
    else {
      const expected = `expected one of ${WEBHOOK_EVENT_TYPES.join(", ")}`;
      report(`.event_types[${index}]`, "webhook-unknown-event", `${expected}. Ignored.`);
    }
  });
  if (found.size > 0) return WEBHOOK_EVENT_TYPES.filter((type) => found.has(type));
  report(
    ".event_types",
    "webhook-without-events",
    "names no event that soketi knows. The webhook is dropped.",
  );
  return undefined;
}
