import { WEBHOOK_EVENT_TYPES } from "./app.ts";
import type { LambdaWebhook, UrlWebhook, Webhook, WebhookEventType } from "./app.ts";
import { describe } from "./normalize-values.ts";
import type { Report } from "./problems.ts";
import type { Reading } from "./read-attribute.ts";
import { field, isFields, readHeaders, readLambda, scalarText } from "./webhook-parts.ts";
import type { Fields, ReportPart } from "./webhook-parts.ts";

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
  const items = itemsOf(reading);
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

function itemsOf(reading: Reading): readonly unknown[] | undefined {
  if (reading.kind === "list") return reading.items;
  if (reading.kind !== "text") return undefined;
  try {
    const parsed: unknown = JSON.parse(reading.text);
    return Array.isArray(parsed) ? parsed : undefined;
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
  const headers = readHeaders(field(item, "headers"), report);
  if (target === undefined || eventTypes === undefined || filter === undefined) return undefined;
  return {
    ...target,
    eventTypes,
    ...(headers !== undefined && { headers }),
    ...(Object.keys(filter).length > 0 && { filter }),
  };
}

/** soketi posts to the url when there is one, and looks at lambda_function only otherwise (dist/webhook-sender.js). */
function readTarget(
  item: Fields,
  report: ReportPart,
): Pick<UrlWebhook, "url"> | Pick<LambdaWebhook, "lambdaFunction" | "lambda"> | undefined {
  const url = field(item, "url");
  const lambdaFunction = field(item, "lambda_function");
  if (url !== undefined) {
    if (lambdaFunction !== undefined) {
      report("", "webhook-two-targets", "has url and lambda_function; soketi uses the url only. Remove one.");
    }
    if (isHttpUrl(url)) return { url };
    report(".url", "webhook-bad-url", "expected an http or https URL. The webhook is dropped.");
    return undefined;
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

/** Without white space anywhere: the URL parser would quietly remove it, and soketi's HTTP client would not. */
const HTTP_URL = /^https?:\/\/\S+$/i;

function isHttpUrl(url: unknown): url is string {
  if (typeof url !== "string" || !HTTP_URL.test(url)) return false;
  try {
    // Not URL.canParse: the agent runs on Node 16.
    return new URL(url).host !== "";
  } catch {
    return false;
  }
}

const KNOWN_EVENTS: ReadonlySet<unknown> = new Set(WEBHOOK_EVENT_TYPES);

/** The known event types, each once, in the order of WEBHOOK_EVENT_TYPES: a set has no order that could change. */
function readEventTypes(value: unknown, report: ReportPart): readonly WebhookEventType[] | undefined {
  let names = value;
  if (typeof value === "string") {
    // soketi asks event_types.includes(name), which is true of a text as well.
    report(".event_types", "webhook-events-not-a-list", "expected a list; found text, split at commas.");
    names = value.split(/[\s,]+/).filter((name) => name !== "");
  }
  if (!Array.isArray(names)) names = [];
  const found = new Set<unknown>();
  (names as readonly unknown[]).forEach((name, index) => {
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

/**
 * Which channels the webhook is for; empty when it is for all. Undefined drops the webhook: without its filter it
 * would send what it was told to keep back.
 */
function readFilter(value: unknown, report: ReportPart): Webhook["filter"] | undefined {
  if (value === undefined) return {};
  const starts = isFields(value) ? (field(value, "channel_name_starts_with") ?? "") : undefined;
  const ends = isFields(value) ? (field(value, "channel_name_ends_with") ?? "") : undefined;
  const [channelNameStartsWith, channelNameEndsWith] = [scalarText(starts), scalarText(ends)];
  if (channelNameStartsWith === undefined || channelNameEndsWith === undefined) {
    const expected = "expected a map of channel_name_starts_with and channel_name_ends_with to text";
    report(".filter", "webhook-bad-filter", `${expected}. The webhook is dropped.`);
    return undefined;
  }
  return {
    ...(channelNameStartsWith !== "" && { channelNameStartsWith }),
    ...(channelNameEndsWith !== "" && { channelNameEndsWith }),
  };
}
