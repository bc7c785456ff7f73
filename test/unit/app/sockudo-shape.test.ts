import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { App, LimitName, Webhook } from "../../../src/app/app.ts";
import { normalize, type Problem } from "../../../src/app/normalize.ts";
import { reportTo } from "../../../src/app/problems.ts";
import { type SockudoApp, toSockudo } from "../../../src/app/sockudo-shape.ts";
import { item } from "./differential/items.ts";
import { DEFAULTS, FULL } from "./fixtures.ts";

const LAMBDA: Webhook = { lambdaFunction: "f", eventTypes: ["cache_miss"], lambda: {} };
const HTTP: Webhook = { url: "https://hooks.example.com/a", eventTypes: ["channel_occupied"] };

function shaped(app: App): { found: SockudoApp; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const found = toSockudo(app, reportTo(problems));
  return { found, problems };
}

const codes = (app: App) => shaped(app).problems.map(({ attribute, code }) => [attribute, code]);
const withLimit = (name: LimitName, value: number): App => ({
  ...DEFAULTS,
  limits: { ...DEFAULTS.limits, [name]: value },
});
const webhooksOf = (...webhooks: readonly Webhook[]) =>
  shaped({ ...DEFAULTS, webhooks }).found.policy.webhooks;

describe("toSockudo", () => {
  it("an app without anything set: no limit, and nothing to say", () => {
    expect(shaped(DEFAULTS)).toEqual({
      found: {
        id: "id-1",
        key: "key-1",
        secret: "secret-1",
        enabled: true,
        policy: {
          limits: { max_connections: 0, max_client_events_per_second: 0 },
          features: { enable_client_messages: false, enable_user_authentication: false },
          webhooks: [],
        },
      },
      problems: [],
    });
  });

  it("an app with everything set, and what there is no word for", () => {
    const { found, problems } = shaped(FULL);
    expect(JSON.parse(JSON.stringify(found))).toEqual({
      id: "id-1",
      key: "key-1",
      secret: "secret-1",
      enabled: false,
      policy: {
        limits: {
          max_connections: 1,
          max_backend_events_per_second: 2,
          max_client_events_per_second: 3,
          max_read_requests_per_second: 4,
          max_presence_members_per_channel: 5,
          max_presence_member_size_in_kb: 6,
          max_channel_name_length: 7,
          max_event_channels_at_once: 8,
          max_event_name_length: 9,
          max_event_payload_in_kb: 1,
          max_event_batch_size: 11,
        },
        features: { enable_client_messages: true, enable_user_authentication: true },
        webhooks: [
          {
            url: "https://user:password@example.com:8443/path?token=query",
            event_types: ["client_event", "member_added"],
            headers: { Authorization: "Bearer header" },
            filter: { channel_prefix: "a-", channel_suffix: "-z" },
          },
          {
            lambda_function: "notify",
            lambda: { function_name: "notify", region: "eu-west-1" },
            event_types: ["cache_miss"],
          },
        ],
      },
    });
    expect(problems.map(({ attribute, code, severity }) => `${severity} ${attribute} ${code}`)).toEqual([
      "error AppSecretPrevious sockudo-no-overlap",
      "error MaxBackendEventsPerSecond sockudo-limit-ignored",
      "error MaxReadRequestsPerSecond sockudo-limit-ignored",
      "warning MaxPresenceMemberSizeInKb sockudo-limit-rounded",
      "warning MaxEventPayloadInKb sockudo-limit-rounded",
      "warning Webhooks sockudo-lambda-payload",
      "error Webhooks sockudo-webhook-option-ignored",
    ]);
    const said = JSON.stringify(problems);
    for (const secret of ["secret-0", "secret-1", "password", "token", "Bearer", 'option"'])
      expect(said).not.toContain(secret);
  });

  it("says what it takes each for, and what to do", () => {
    const odd: App = {
      ...FULL,
      limits: { ...FULL.limits, maxConnections: 2 ** 40, maxClientEventsPerSecond: 0 },
      webhooks: [
        { ...HTTP, headers: { "X-A": "1", "Content-Type": "text/plain" } },
        { ...LAMBDA, headers: { a: "b" }, lambda: { clientOptions: {} } },
      ],
    };
    const lambda =
      "sockudo always invokes asynchronously, and the function gets {time_ms, events} without headers; soketi gives it " +
      "{payload, headers}. Have it read both.";
    const ignored =
      "sockudo has no such limit of an app. Its server has a limit of requests for all apps together (rate_limiter).";
    expect(shaped(odd).problems.map(({ attribute, message }) => [attribute, message])).toEqual([
      [
        "AppSecretPrevious",
        "sockudo takes the present secret only: requests with the previous one are refused there. Change publishers over first.",
      ],
      ["MaxConnections", "More than sockudo reads. Taken as 4294967295."],
      ["MaxBackendEventsPerSecond", ignored],
      ["MaxReadRequestsPerSecond", ignored],
      ["MaxPresenceMemberSizeInKb", "sockudo reads whole numbers. Taken as 6."],
      ["MaxEventPayloadInKb", "sockudo reads whole numbers. Taken as 1."],
      [
        "MaxClientEventsPerSecond",
        "sockudo takes 0 for no limit: client events are switched off instead. Set EnableClientMessages to false.",
      ],
      ["Webhooks", "Webhook 1 in effect.headers, entry 2: sockudo sends its own. Ignored."],
      ["Webhooks", `Webhook 2 in effect: ${lambda}`],
      ["Webhooks", "Webhook 2 in effect.headers: sockudo gives a function no headers. Ignored."],
      [
        "Webhooks",
        "Webhook 2 in effect.lambda.client_options: unknown to sockudo. Ignored. Its AWS client is set up by the " +
          "environment of its process.",
      ],
    ]);
  });

  it.each([
    [
      "maxConnections",
      Number.MAX_SAFE_INTEGER,
      "max_connections",
      4_294_967_295,
      ["sockudo-limit-too-large"],
    ],
    ["maxConnections", 4_294_967_295, "max_connections", 4_294_967_295, []],
    ["maxConnections", 0, "max_connections", 0, []],
    ["maxBackendEventsPerSecond", -1, "max_backend_events_per_second", undefined, []],
    ["maxPresenceMemberSizeInKb", 0.5, "max_presence_member_size_in_kb", 0, ["sockudo-limit-rounded"]],
    ["maxEventPayloadInKb", 0.25, "max_event_payload_in_kb", 1, ["sockudo-limit-rounded"]],
    ["maxEventPayloadInKb", 0, "max_event_payload_in_kb", 0, []],
    ["maxChannelNameLength", 0, "max_channel_name_length", 0, []],
  ] as const)("%s %d is %s %d", (name, value, theirs, number, problems) => {
    const app = withLimit(name, value);
    expect(shaped(app).found.policy.limits[theirs]).toBe(number);
    expect(codes(app).map(([, code]) => code)).toEqual(problems);
  });

  it("0 client events a second are none, where there could be any", () => {
    const none = withLimit("maxClientEventsPerSecond", 0);
    expect(codes(none)).toEqual([]);
    const some = { ...none, enableClientMessages: true };
    expect(shaped(some).found.policy.features.enable_client_messages).toBe(false);
    expect(codes(some)).toEqual([["MaxClientEventsPerSecond", "sockudo-client-events-off"]]);
  });

  it("headers are texts, without those that sockudo sends itself; a function has none", () => {
    const headers = {
      "X-A": 1,
      "X-B": true,
      "X-C": ["a", 2],
      "Content-Type": "text/plain",
      "x-pusher-KEY": "k",
      "Content-Length": "5",
      "X-Pusher-Signature": "s",
      "Transfer-Encoding": "chunked",
    };
    expect(webhooksOf({ ...HTTP, headers })[0]?.headers).toEqual({
      "X-A": "1",
      "X-B": "true",
      "X-C": "a, 2",
    });
    expect(codes({ ...DEFAULTS, webhooks: [{ ...HTTP, headers }] })).toEqual(
      Array(5).fill(["Webhooks", "sockudo-webhook-option-ignored"]),
    );
    const [first] = webhooksOf({ ...LAMBDA, headers });
    expect(first?.headers).toBeUndefined();
    expect(first?.lambda).toEqual({ function_name: "f", region: "us-east-1" });
    expect(codes({ ...DEFAULTS, webhooks: [{ ...LAMBDA, headers }] })).toContainEqual([
      "Webhooks",
      "sockudo-webhook-option-ignored",
    ]);
    expect(webhooksOf({ ...HTTP, headers: { "Content-Type": "text/plain" } })[0]?.headers).toBeUndefined();
  });

  it("of a function without options there is only its payload to tell of", () => {
    expect(codes({ ...DEFAULTS, webhooks: [LAMBDA] })).toEqual([["Webhooks", "sockudo-lambda-payload"]]);
  });

  it("webhooks of one target are told apart, and still go there", () => {
    const found = webhooksOf(HTTP, LAMBDA, HTTP, { ...HTTP, url: `${HTTP.url}#part` }, LAMBDA);
    expect(found.map(({ url, lambda_function: name }) => url ?? name)).toEqual([
      "https://hooks.example.com/a",
      "f",
      "https://hooks.example.com/a#webhook-3",
      "https://hooks.example.com/a#part",
      "f 5",
    ]);
    expect(found[4]?.lambda?.function_name).toBe("f");
  });

  it("a URL stands there as it will be read, and text without half surrogates", () => {
    const filter = { channelNameStartsWith: "a\ud800", channelNameEndsWith: undefined };
    const [first] = webhooksOf({ ...HTTP, url: "http:\\\\B\u00fccher.example\\x y", filter });
    expect(first?.url).toBe("http://xn--bcher-kva.example/x%20y");
    expect(first?.filter).toEqual({ channel_prefix: "a\ufffd", channel_suffix: undefined });
    expect(JSON.stringify(webhooksOf({ ...LAMBDA, lambdaFunction: "f\udfff" }))).not.toMatch(/\\ud/);
  });

  it("of any item sockudo can read what is written, and every problem has its place", () => {
    fc.assert(
      fc.property(item, (attributes) => {
        const { app } = normalize(attributes);
        if (!app) return;
        const { found, problems } = shaped(app);
        for (const number of Object.values(found.policy.limits)) {
          expect(Number.isInteger(number) && number >= 0 && number <= 4_294_967_295).toBe(true);
        }
        const targets = found.policy.webhooks.map(({ url, lambda_function: name }) => url ?? name);
        expect(new Set(targets).size).toBe(targets.length);
        expect(JSON.stringify(found)).not.toMatch(/[^\\]\\ud[89a-f]/);
        for (const { attribute } of problems) expect(attribute).toMatch(/^(Max|Webhooks|AppSecretPrevious)/);
      }),
      { numRuns: 1_000, seed: 520 },
    );
  });
});

describe("targets of webhooks", () => {
  const url = (text: string): Webhook => ({ url: text, eventTypes: ["cache_miss"] });
  const fn = (name: string): Webhook => ({ lambdaFunction: name, eventTypes: ["cache_miss"], lambda: {} });
  const targetsOf = (...webhooks: readonly Webhook[]) =>
    webhooksOf(...webhooks).map((one) => one.url ?? one.lambda_function);

  it.each<[Webhook[], string[]]>([
    [
      [url("http://h/a"), url("http://h/a"), url("http://h/a#webhook-2")],
      ["http://h/a", "http://h/a#webhook-3", "http://h/a#webhook-2"],
    ],
    [
      [fn("f"), fn("f"), fn("f 2")],
      ["f", "f 3", "f 2"],
    ],
    [
      [url("http://h/a#webhook-2"), url("http://h/a"), url("http://h/a"), url("http://h/a#webhook-2")],
      ["http://h/a#webhook-2", "http://h/a", "http://h/a#webhook-3", "http://h/a#webhook-4"],
    ],
  ])("of %j are distinct, and no other than what somebody wrote where it can be", (webhooks, targets) => {
    expect(targetsOf(...webhooks)).toEqual(targets);
  });

  it("are always distinct, and lead to where they did", () => {
    const one = fc.constantFrom(
      ...["http://h/", "http://h/#webhook-2", "http://h/#webhook-3", "http://h/#x", "http://g/"].map(url),
      ...["f", "f 2", "f 3"].map(fn),
    );
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), (webhooks) => {
        const targets = targetsOf(...webhooks);
        expect(new Set(targets).size).toBe(webhooks.length);
        const placesOf = (all: readonly (string | undefined)[]) =>
          all.map((target = "") => target.replace(/(#.*|( \d+)+)$/, ""));
        expect(placesOf(targets)).toEqual(
          placesOf(webhooks.map((webhook) => ("url" in webhook ? webhook.url : webhook.lambdaFunction))),
        );
      }),
    );
  });
});
