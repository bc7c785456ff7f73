import { isDeepStrictEqual } from "node:util";
import { type Difference, effectiveName, wordOf } from "./attribute-differences.ts";
import { depthOf, isMap, isSaid, isSet, mapDeep, type Raw, withField, without } from "./values.ts";
import { wire } from "./webhook-sender.ts";

/** One webhook as it would have to be for soketi to do the same as we; undefined: it is dropped. */
type WebhookDifference = (webhook: Raw) => unknown;

/** The webhooks that soketi makes of what it finds: of a text once more what JSON says. */
function listOf(value: unknown): readonly unknown[] | undefined {
  try {
    const list: unknown = Array.isArray(value) ? value : JSON.parse(value as string);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

const eachWebhook =
  (change: WebhookDifference): Difference =>
  async (object) => {
    const name = effectiveName(object, "Webhooks");
    const list = name === undefined ? undefined : listOf(object[name]);
    if (name === undefined || list === undefined) return object;
    const changed = await Promise.all(list.map((webhook) => (isMap(webhook) ? change(webhook) : webhook)));
    if (isDeepStrictEqual(changed, list)) return object;
    return withField(
      object,
      name,
      changed.filter((webhook) => webhook !== undefined),
    );
  };

const changeMap = (webhook: Raw, name: string, change: (map: Raw) => Raw): Raw =>
  isMap(webhook[name]) ? withField(webhook, name, change(webhook[name])) : webhook;

const dropFields = (map: Raw, isDropped: (value: unknown, name: string) => boolean): Raw =>
  without(map, ...Object.keys(map).filter((name) => isDropped(map[name], name)));

const isLambda = (webhook: Raw) => !webhook.url;

/** Text that Node puts into a header's line. */
const isLine = (text: string) => /^[\t -~\x80-\xff]*$/.test(text);
const isScalar = (value: unknown) => ["string", "number", "boolean"].includes(typeof value);
const partsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

const holdsMap = (value: unknown): boolean => (Array.isArray(value) ? value.some(holdsMap) : isMap(value));

const holdsInfinity = (value: unknown): boolean =>
  value === Infinity ||
  (typeof value === "object" && value !== null && Object.values(value).some(holdsInfinity));
const isTooMuch = (value: unknown) => holdsInfinity(value) || depthOf(value) > 32;

export const WEBHOOK_DIFFERENCES: Readonly<Record<string, Difference>> = {
  "webhooks-encoded-twice": (object) => {
    const name = effectiveName(object, "Webhooks");
    try {
      const inner: unknown = name === undefined ? undefined : JSON.parse(object[name] as string);
      const list: unknown = typeof inner === "string" ? JSON.parse(inner) : undefined;
      // The object that soketi's driver makes of Webhooks is decoded once already.
      const isTooOften = name === "Webhooks" && typeof object[name] === "string";
      return name !== undefined && Array.isArray(list) && !isTooOften
        ? withField(object, name, list)
        : object;
    } catch {
      return object;
    }
  },
  "native-set": eachWebhook((webhook) =>
    mapDeep(webhook, (value) => (isSet(value) ? [...value.values] : value)),
  ),
  "native-binary": eachWebhook((webhook) =>
    mapDeep(webhook, (value) => (Buffer.isBuffer(value) ? value.toString("utf8") : value)),
  ),
  "webhook-without-events": (object) => {
    const name = effectiveName(object, "Webhooks");
    const list = name === undefined ? undefined : listOf(object[name]);
    if (name === undefined || list === undefined) return object;
    const kept = list.filter((webhook) => {
      const types = isMap(webhook) ? webhook.event_types : undefined;
      return typeof types === "string" || Array.isArray(types);
    });
    return kept.length === list.length ? object : withField(object, name, kept);
  },
  "url-without-host": eachWebhook(async (webhook) => {
    if (typeof webhook.url !== "string" || webhook.url === "") return webhook;
    const sent = await wire({ url: webhook.url, headers: {} });
    if (sent === "") return webhook;
    const { hostname } = JSON.parse(sent) as { hostname: string };
    try {
      const meant = new URL(webhook.url.replace(/^[\s\ufeff]+|[\s\ufeff]+$/g, ""));
      return meant.hostname.replace(/[[\]]/g, "") === hostname ? webhook : undefined;
    } catch {
      return undefined;
    }
  }),
  "function-not-text": eachWebhook((webhook) => {
    const name = webhook.lambda_function;
    const isText = typeof name === "string" && name.trim() !== "";
    return isLambda(webhook) && name && !isText ? undefined : webhook;
  }),
  "lambda-missing": eachWebhook((webhook) =>
    isLambda(webhook) && (webhook.lambda === undefined || webhook.lambda === null)
      ? withField(webhook, "lambda", {})
      : webhook,
  ),
  "lambda-async-word": eachWebhook((webhook) =>
    changeMap(webhook, "lambda", (lambda) =>
      wordOf(lambda.async) === false ? withField(lambda, "async", false) : lambda,
    ),
  ),
  "lambda-option-ignored": eachWebhook((webhook) =>
    changeMap(webhook, "lambda", (lambda) =>
      dropFields(
        lambda,
        (value, name) =>
          (name === "region" && typeof value !== "string") ||
          (name === "client_options" && (!isMap(value) || isTooMuch(value))),
      ),
    ),
  ),
  "headers-not-a-map": eachWebhook((webhook) =>
    isSaid(webhook.headers) && !isMap(webhook.headers) ? without(webhook, "headers") : webhook,
  ),
  "header-too-much": eachWebhook((webhook) =>
    changeMap(webhook, "headers", (headers) => dropFields(headers, isTooMuch)),
  ),
  "header-of-no-text": eachWebhook((webhook) =>
    isLambda(webhook)
      ? webhook
      : changeMap(webhook, "headers", (headers) =>
          dropFields(headers, (value) => !partsOf(value).every(isScalar)),
        ),
  ),
  "header-unsendable": eachWebhook((webhook) =>
    isLambda(webhook)
      ? webhook
      : changeMap(webhook, "headers", (headers) =>
          dropFields(
            headers,
            (value, name) =>
              !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !partsOf(value).every((part) => isLine(String(part))),
          ),
        ),
  ),
  "filter-of-a-map": eachWebhook((webhook) => {
    const { filter } = webhook;
    const isMapped =
      isMap(filter) && [filter.channel_name_starts_with, filter.channel_name_ends_with].some(holdsMap);
    return isMapped ? undefined : webhook;
  }),
};
