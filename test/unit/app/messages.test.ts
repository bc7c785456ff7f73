import { describe, expect, it } from "vitest";
import { normalize } from "../../../src/app/normalize.ts";
import { IDENTITY } from "./fixtures.ts";

/** What people read when an item is wrong: the whole text, because it is all that they have. */
const item = (attributes: object) => ({ ...IDENTITY, ...attributes });
const hook = (webhook: unknown) => item({ Webhooks: { S: JSON.stringify([webhook]) } });
const good = { url: "https://h.example.com", event_types: ["channel_occupied"] };
const events = "client_event, channel_occupied, channel_vacated, member_added, member_removed, cache_miss";

const cases: readonly [name: string, item: unknown, ...messages: string[]][] = [
  ["not an item", 5, "Expected a map of attribute values; found number."],
  ["nothing", null, "Expected a map of attribute values; found object."],
  [
    "no id",
    { ...IDENTITY, AppId: undefined },
    "Expected S; found nothing. The app does not exist until this is repaired.",
  ],
  [
    "an id that is BOOL",
    item({ AppId: { BOOL: true } }),
    "Expected S; found BOOL. The app does not exist until this is repaired.",
  ],
  [
    "an id that is L",
    item({ AppId: { L: [] } }),
    "Expected S; found L. The app does not exist until this is repaired.",
  ],
  ["a key that is N", item({ AppKey: { N: "7" } }), "Expected S; found N, taken as text. Write it as S."],
  [
    "a secret that is no text",
    item({ AppSecret: { B: "%%%" } }),
    "Expected S; found B that is not text in UTF-8, or not base64. The app does not exist until this is repaired.",
  ],
  [
    "a flag that is a map",
    item({ Enabled: { M: {} } }),
    "Expected BOOL, or B, S or N with true/t/yes/y/on/1 or false/f/no/n/off/0; found M. Taken as true.",
  ],
  [
    "a flag that is a list",
    item({ Enabled: { L: [] } }),
    "Expected BOOL, or B, S or N with true/t/yes/y/on/1 or false/f/no/n/off/0; found L. Taken as true.",
  ],
  [
    "a flag that is another word",
    item({ EnableClientMessages: { S: "maybe" } }),
    "Expected BOOL, or B, S or N with true/t/yes/y/on/1 or false/f/no/n/off/0; found S with 5 characters. Taken as false.",
  ],
  [
    "a flag of no type",
    item({ Enabled: {} }),
    "Expected BOOL, or B, S or N with true/t/yes/y/on/1 or false/f/no/n/off/0; found nothing known. Taken as true.",
  ],
  [
    "a flag with space around it",
    item({ Enabled: { S: "true " } }),
    "Read without the white space around it. Write it without.",
  ],
  [
    "a rate that is no number",
    item({ MaxBackendEventsPerSecond: { S: "many" } }),
    "Expected a number; found S with 4 characters. Taken as 4 a second, as in soketi.",
  ],
  [
    "connections that are no number",
    item({ MaxConnections: { S: "many" } }),
    "Expected a number; found S with 4 characters. Taken as no limit.",
  ],
  [
    "connections that begin with a number",
    item({ MaxConnections: { S: "5,000" } }),
    "Expected a number; found S with 5 characters. Taken as the number at its beginning, as in soketi.",
  ],
  [
    "webhooks encoded twice",
    item({ Webhooks: { S: JSON.stringify(JSON.stringify([good])) } }),
    "Expected a JSON array; found it encoded twice. Read anyway. Encode it once.",
  ],
  [
    "webhooks in bytes that are not UTF-8",
    item({ Webhooks: { B: Buffer.from(JSON.stringify([{ ...good, note: "\u00ff" }]), "latin1") } }),
    "Read without the bytes that are not UTF-8. Write S.",
  ],
  [
    "white space in a URL",
    hook({ ...good, url: " https://h.example.com" }),
    "Webhooks[0].url: the white space around it is left out, and inside it is percent-encoded, as in soketi. Write it so.",
  ],
  [
    "a filter of a list",
    hook({ ...good, filter: { channel_name_ends_with: ["a"] } }),
    "Webhooks[0].filter.channel_name_ends_with: expected text; found a list, joined by commas.",
  ],
  [
    "a filter of a map",
    hook({ ...good, filter: { channel_name_ends_with: {} } }),
    "Webhooks[0].filter: expected text in it, found a map. The webhook is dropped.",
  ],
  [
    "a header for a function that is too much",
    hook({
      event_types: ["client_event"],
      lambda_function: "f",
      headers: { ok: {}, deep: JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`) as unknown },
    }),
    "Webhooks[0].headers, entry 2: expected at most 32 levels. Ignored.",
  ],
  [
    "a limit that is a flag",
    item({ MaxChannelNameLength: { BOOL: true } }),
    "Expected a number; found BOOL. Taken as not set: the server's default.",
  ],
  [
    "a limit that is too large",
    item({ MaxConnections: { N: "1e300" } }),
    "More than 2^53-1, and taken as that. Use -1 to leave it out.",
  ],
  [
    "a limit with a fraction",
    item({ MaxChannelNameLength: { N: "2.9" } }),
    "Expected a whole number; found a fraction. Taken as 2.",
  ],
  [
    "no connections",
    item({ MaxConnections: { N: "0" } }),
    "soketi takes 0 for no limit. To let nobody in, disable the app.",
  ],
  [
    "webhooks that are no JSON",
    item({ Webhooks: { S: "[" } }),
    "Expected a list, or text with a JSON array; found S with 1 character. Taken as no webhooks.",
  ],
  [
    "webhooks that are a map",
    item({ Webhooks: { M: {} } }),
    "Expected a list, or text with a JSON array; found M. Taken as no webhooks.",
  ],
  [
    "a webhook that is text",
    hook("https://h"),
    "Webhooks[0]: expected a map with url or lambda_function. Dropped.",
  ],
  [
    "two targets",
    hook({ ...good, lambda_function: "f" }),
    "Webhooks[0]: has url and lambda_function; soketi uses the url only. Remove one.",
  ],
  [
    "a bad URL",
    hook({ ...good, url: "ftp://h" }),
    "Webhooks[0].url: expected an http or https URL. The webhook is dropped.",
  ],
  [
    "a URL that is no text",
    hook({ ...good, url: 7 }),
    "Webhooks[0].url: expected an http or https URL. The webhook is dropped.",
  ],
  [
    "a URL without a host",
    hook({ ...good, url: "http://:80" }),
    "Webhooks[0].url: expected an http or https URL. The webhook is dropped.",
  ],
  [
    "no target",
    hook({ event_types: ["client_event"] }),
    "Webhooks[0]: has neither url nor lambda_function. Dropped.",
  ],
  [
    "a bad function",
    hook({ event_types: ["client_event"], lambda_function: " " }),
    "Webhooks[0].lambda_function: expected a function's name. The webhook is dropped.",
  ],
  [
    "events in text",
    hook({ ...good, event_types: "client_event, cache_miss," }),
    "Webhooks[0].event_types: expected a list; found text. The types that it contains apply.",
  ],
  [
    "an unknown event",
    hook({ ...good, event_types: ["client_event", "x"] }),
    `Webhooks[0].event_types[1]: expected one of ${events}. Ignored.`,
  ],
  [
    "no events",
    hook({ ...good, event_types: [] }),
    "Webhooks[0].event_types: names no event that soketi knows. The webhook is dropped.",
  ],
  [
    "a bad filter",
    hook({ ...good, filter: "x" }),
    "Webhooks[0].filter: expected a map of channel_name_starts_with and channel_name_ends_with. Ignored, as in soketi: it is for all channels.",
  ],
  [
    "headers in a list",
    hook({ ...good, headers: ["x"] }),
    "Webhooks[0].headers: expected a map of names to text. Ignored.",
  ],
  [
    "a bad header",
    hook({ ...good, headers: { ok: "1", "not ok": "1" } }),
    "Webhooks[0].headers, entry 2: expected an HTTP header's name, and text, a number, a boolean or a list of them as its value. Ignored.",
  ],
  [
    "a header that is a map",
    hook({ ...good, headers: { ok: {} } }),
    "Webhooks[0].headers, entry 1: expected an HTTP header's name, and text, a number, a boolean or a list of them as its value. Ignored.",
  ],
  [
    "lambda that is text",
    hook({ event_types: ["client_event"], lambda_function: "f", lambda: "x" }),
    "Webhooks[0].lambda: expected a map of async, region and client_options. Ignored.",
  ],
  [
    "lambda options",
    hook({
      event_types: ["client_event"],
      lambda_function: "f",
      lambda: { async: "maybe", region: 7, client_options: 1 },
    }),
    "Webhooks[0].lambda.region: expected a region's name. Ignored.",
    "Webhooks[0].lambda.client_options: expected a map of at most 32 levels. Ignored.",
    "Webhooks[0].lambda.async: expected true or false. Taken as true, as in soketi.",
  ],
];

describe("the words of a problem", () => {
  it.each(cases)("%s", (_name, attributes, ...messages) => {
    expect(normalize(attributes).problems.map(({ message }) => message)).toEqual(messages);
  });

  it("the last says that there are more", () => {
    const webhooks = Array.from({ length: 500 }, () => 1);
    const { problems } = normalize(item({ Webhooks: { S: JSON.stringify(webhooks) } }));
    expect(problems.at(-1)?.message).toBe(
      `The item has more than ${problems.length - 1} problems; the rest is left out. Repair these first.`,
    );
  });
});
