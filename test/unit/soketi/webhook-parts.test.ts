import { afterEach, describe, expect, it, vi } from "vitest";
import type { SoketiAppObject, SoketiWebhookSender } from "../../../src/soketi/server.ts";
import { WebhookBatches } from "../../../src/soketi/webhook-batches.ts";
import { isSafeWebhook } from "../../../src/soketi/webhook-lambda.ts";
import { webhookData } from "../../../src/soketi/webhook-parts.ts";
import { guardRepeats } from "../../../src/soketi/webhook-repeats.ts";
import { targetsOf } from "../../../src/soketi/webhook-targets.ts";

const app = (id: string, more = {}) => ({ id, ...more }) as SoketiAppObject;

afterEach(() => {
  vi.useRealTimers();
});

describe("webhookData", () => {
  const payload = { time_ms: 1, events: [{ name: "client_event", channel: "c" }] };

  it("takes what soketi queues", () => {
    expect(webhookData({ appId: "a", payload })).toEqual({ appId: "a", payload });
  });

  it.each([
    ["nothing", undefined],
    ["a text", "text"],
    ["no app", { payload }],
    ["no payload", { appId: "a" }],
    ["no time", { appId: "a", payload: { events: [] } }],
    ["events that are no list", { appId: "a", payload: { time_ms: 1, events: {} } }],
    ["an event that is none", { appId: "a", payload: { time_ms: 1, events: [null] } }],
    ["a channel that is a list", { appId: "a", payload: { time_ms: 1, events: [{ name: "n", channel: ["c"] }] } }], // prettier-ignore
  ])("refuses %s", (_, data) => {
    expect(webhookData(data)).toBeUndefined();
  });
});

describe("WebhookBatches", () => {
  it("holds one app each, and closes after its time", () => {
    vi.useFakeTimers();
    const sent: unknown[] = [];
    const batches = new WebhookBatches({
      durationMs: 50,
      send: ({ id }, events, queue) => sent.push([id, events, queue]),
    });
    batches.add(app("a"), { n: 1 }, "q1");
    batches.add(app("b"), { n: 2 }, "q2");
    batches.add(app("a"), { n: 3 }, "q2");
    vi.advanceTimersByTime(49);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([
      ["a", [{ n: 1 }, { n: 3 }], "q1"],
      ["b", [{ n: 2 }], "q2"],
    ]);
  });

  it("is open for as long as it is to be, also where a timer of Node's would be over at once", () => {
    vi.useRealTimers();
    const set = vi.spyOn(globalThis, "setTimeout");
    const batches = new WebhookBatches({ durationMs: 30 * 86_400_000, send: () => undefined });
    batches.add(app("a"), {}, "q");
    expect(set.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1]);
    for (const { value } of set.mock.results) clearTimeout(value as NodeJS.Timeout);
    set.mockRestore();
  });

  it("closes before an event that would make it too long for SQS", () => {
    vi.useFakeTimers();
    const sent: number[] = [];
    const batches = new WebhookBatches({ durationMs: 50, send: (_, events) => sent.push(events.length) });
    for (let i = 0; i < 3; i += 1) batches.add(app("a"), { data: "x".repeat(60_000) }, "q");
    expect(sent).toEqual([2]);
    vi.advanceTimersByTime(50);
    expect(sent).toEqual([2, 1]);
  });
});

describe("targetsOf", () => {
  const events = [
    { name: "client_event", channel: "private-a" },
    { name: "member_added", channel: "presence-b" },
  ];

  it("gives each webhook the events of its types and channels, as soketi chooses them, and leaves out who wants none", () => {
    const webhooks = [
      { url: "u", event_types: ["client_event", "member_added"] },
      { lambda_function: "f", event_types: ["member_added"] },
      {
        url: "u",
        event_types: ["client_event", "member_added"],
        filter: { channel_name_starts_with: "private-" },
      },
      { url: "u", event_types: ["client_event", "member_added"], filter: { channel_name_ends_with: "-b" } },
      { url: "v", event_types: ["member_added"], filter: { channel_name_starts_with: "private-" } },
      { url: "v", event_types: ["channel_vacated"] },
    ];
    const targets = targetsOf(app("a", { webhooks }), events);
    expect(targets.map((one) => [one.id, one.events.map(({ name }) => name)])).toEqual([
      ['["a","u"] 0', ["client_event", "member_added"]],
      ['["a","f"] 0', ["member_added"]],
      ['["a","u"] 1', ["client_event"]],
      ['["a","u"] 2', ["member_added"]],
    ]);
    expect(targets.map(({ receiver }) => receiver)).toEqual([
      '["a","u"]',
      '["a","f"]',
      '["a","u"]',
      '["a","u"]',
    ]);
  });

  it("is nothing without webhooks", () => {
    expect(targetsOf(app("a"), events)).toEqual([]);
  });
});

describe("isSafeWebhook", () => {
  const make = (options: object) => {
    if ("bad" in options) throw new Error("no");
  };
  const safe = (options: unknown) => isSafeWebhook({ lambda: { client_options: options } }, make);

  it("takes no options, and those that a client takes", () => {
    expect([isSafeWebhook({}, make), safe(null), safe({ maxRetries: 2, httpOptions: { timeout: 5 } })]).toEqual([true, true, true]); // prettier-ignore
  });

  it.each([
    "text",
    [],
    { bad: 1 },
    { apiVersion: "x" },
    { httpOptions: { timeout: "5" } },
    { httpOptions: "5" },
    { retryDelayOptions: { base: {} } },
    { maxRetries: "3" },
  ])("refuses %j", (options) => {
    expect(safe(options)).toBe(false);
  });
});

describe("guardRepeats", () => {
  function guarded(): { sender: SoketiWebhookSender; log: string[] } {
    const log: string[] = [];
    const say = (what: string) => (one: SoketiAppObject, channel: string, user?: string) =>
      void log.push([what, one.id, channel, user].filter((part) => part !== undefined).join(" "));
    const sender = {
      sendChannelVacated: say("vacated"),
      sendChannelOccupied: say("occupied"),
      sendMemberRemoved: say("removed"),
      sendMemberAdded: say("added"),
    } as unknown as SoketiWebhookSender;
    guardRepeats(sender);
    return { sender, log };
  }

  it("says once what those who are closed in one go leave behind, for each channel, member and app", () => {
    const { sender, log } = guarded();
    for (const [id, channel] of [
      ["a", "c"],
      ["a", "c"],
      ["a", "d"],
      ["b", "c"],
    ] as const)
      // prettier-ignore
      sender.sendChannelVacated(app(id), channel);
    for (const user of ["u", "u", "v"]) sender.sendMemberRemoved(app("a"), "c", user);
    expect(log).toEqual(["vacated a c", "vacated a d", "vacated b c", "removed a c u", "removed a c v"]);
  });

  it("says it again when somebody came meanwhile, or later", async () => {
    const { sender, log } = guarded();
    sender.sendChannelVacated(app("a"), "c");
    sender.sendChannelOccupied(app("a"), "c");
    sender.sendChannelVacated(app("a"), "c");
    sender.sendMemberRemoved(app("a"), "c", "u");
    sender.sendMemberAdded(app("a"), "c", "u");
    sender.sendMemberRemoved(app("a"), "c", "u");
    await new Promise((resolve) => setImmediate(resolve));
    sender.sendChannelVacated(app("a"), "c");
    expect(log).toEqual([
      "vacated a c",
      "occupied a c",
      "vacated a c",
      "removed a c u",
      "added a c u",
      "removed a c u",
      "vacated a c",
    ]);
  });
});
