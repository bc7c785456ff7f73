import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RetryQueue } from "../../../src/soketi/retry-queue.ts";
import type { SoketiAppManager, SoketiAppObject, SoketiJob } from "../../../src/soketi/server.ts";
import type { WebhookApps } from "../../../src/soketi/webhook-apps.ts";
import { WebhookDelivery } from "../../../src/soketi/webhook-delivery.ts";
import type { WebhookReporter } from "../../../src/soketi/webhook-parts.ts";
import { WebhookQueue } from "../../../src/soketi/webhook-queue.ts";
import { WebhookReceivers } from "../../../src/soketi/webhook-receivers.ts";
import { waitFor } from "../../support/wait-for.ts";

const NOW = 1_000_000;
/** Webhooks of one app that may be on their way, and that may wait for it. */
const SENDING = 250;
const WAITING = 2_500;

/** Answers at once. All others are mute, until the test lets them answer. */
const WELL = "http://well";

const client = (url: string) => ({ url, event_types: ["client_event"] });

/** The webhooks of each app. */
const WEBHOOKS: Record<string, object[]> = {
  both: [client(WELL), client("http://mute")],
  idle: [client(WELL), { ...client("http://mute"), event_types: ["member_added"] }],
};

/** soketi's worker posts to each receiver, and is done when all have answered: the test says when. */
function setUp() {
  const log: string[] = [];
  const report: WebhookReporter = {
    webhookDropped: (reason, appId) => void log.push(`dropped ${appId}: ${reason}`),
    webhookRetried: (appId) => void log.push(`retried ${appId}`),
    webhooksFailed: (error) => void log.push(`failed: ${(error as Error).message}`),
  };
  const signals: AbortSignal[] = [];
  const posts: string[] = [];
  const http = {
    post: (url: string, _data: unknown, config?: object) => {
      posts.push(url);
      const { signal } = config as { signal: AbortSignal };
      signals.push(signal);
      return Promise.resolve();
    },
  };
  const manager = { findByKey: () => Promise.resolve(null) } as unknown as SoketiAppManager;
  const state: { secret: string; error?: Error } = { secret: "s" };
  const apps = {
    find: (id: string) => {
      if (state.error) return Promise.reject(state.error);
      const webhooks = WEBHOOKS[id] ?? [client("http://mute")];
      return Promise.resolve({ id, key: "k", secret: state.secret, webhooks } as unknown as SoketiAppObject);
    },
  } as unknown as WebhookApps;
  const delivery = new WebhookDelivery({ manager, apps, makeLambdaClient: () => undefined, http, report });
  const answers: (() => void)[] = [];
  let unacknowledge: (() => void) | undefined;
  const retries = new RetryQueue({
    clock: () => NOW,
    maxAgeMs: 1_000,
    maxItems: 10_000,
    maxBytes: 32_000_000,
  });
  const queue = new WebhookQueue({ delivery, retries, report, now: () => NOW, takeUnacknowledge: () => unacknowledge }); // prettier-ignore
  const secrets: string[] = [];
  const callback = queue.callback((job, done) => {
    void manager.findByKey("k").then((app) => {
      const urls = app?.webhooks?.map(({ url }) => url ?? "") ?? [];
      for (const url of urls) void http.post(url, job.data, {});
      secrets.push(app?.secret ?? "");
      if (urls.every((url) => url === WELL)) done();
      else answers.push(done);
    });
  });
  return {
    log,
    state,
    secrets,
    sentTo: (receiver: string) => posts.filter((url) => url === receiver).length,
    answers,
    signals,
    delivery,
    /** How many of them have begun, however long they take. */
    memory: (appId: string, count = 1) => {
      for (let i = 0; i < count; i += 1) callback(jobOf(appId), () => undefined);
      return settle();
    },
    redis: (appId: string) => callback(jobOf(appId), "token") as Promise<void>,
    sqs: (appId: string) =>
      new Promise<string>((resolve) => {
        unacknowledge = () => resolve("given back");
        callback(jobOf(appId), () => resolve("done"));
        unacknowledge = undefined;
      }),
  };
}

function jobOf(appId: string): SoketiJob {
  const payload = { time_ms: NOW, events: [{ name: "client_event", channel: "c" }] };
  return { data: { appId, appKey: "k", payload, originalPusherSignature: "" } };
}

/** Whatever needs no timer has happened. */
const settle = () => vi.advanceTimersByTimeAsync(0);

describe("a receiver that takes a webhook and never answers", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("has its request ended after 20 s, which is counted", async () => {
    const { memory, signals, log } = setUp();
    await memory("mute");
    await vi.advanceTimersByTimeAsync(19_999);
    expect([signals.map(({ aborted }) => aborted), log]).toEqual([[false], []]);
    await vi.advanceTimersByTimeAsync(1);
    expect([signals.map(({ aborted }) => aborted), log]).toEqual([[true], ["dropped mute: no-answer"]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("holds the sqs queue up once, until one of its app's webhooks is answered", async () => {
    const { sqs, answers } = setUp();
    let first: string | undefined;
    void sqs("mute").then((how) => (first = how));
    await vi.advanceTimersByTimeAsync(19_999);
    expect(first).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(first).toBe("done");
    expect(await sqs("mute")).toBe("done");
    answers[1]?.();
    await settle();
    let third: string | undefined;
    void sqs("mute").then((how) => (third = how));
    await settle();
    expect(third).toBeUndefined();
    answers[2]?.();
    await settle();
    expect(third).toBe("done");
  });

  it("has so many requests at the same time, the rest waits in its queue, and other apps are sent", async () => {
    const { memory, redis, sqs, answers, log } = setUp();
    await memory("mute", SENDING);
    await expect(redis("mute")).rejects.toThrow("Could not send a webhook yet: no-answer");
    expect(await sqs("mute")).toBe("given back");
    await memory("well");
    await redis("well");
    expect([answers.length, log]).toEqual([SENDING + 2, ["retried mute", "retried mute"]]);
    answers[0]?.();
    await redis("mute");
    expect(answers).toHaveLength(SENDING + 3);
  });

  it("has so much wait in memory, until it is seen not to answer", async () => {
    const { memory, answers, log } = setUp();
    await memory("mute", SENDING + WAITING + 1);
    expect([answers.length, log]).toEqual([SENDING, ["dropped mute: no-answer"]]);
    answers[0]?.();
    await settle();
    expect(answers).toHaveLength(SENDING + 1);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(log).toHaveLength(1 + SENDING + WAITING - 1);
    await memory("mute");
    expect([answers.length, log.length]).toEqual([SENDING + 1, SENDING + WAITING + 1]);
    await memory("well");
    expect(answers).toHaveLength(SENDING + 2);
  });

  it("waits for nothing when the node stops", async () => {
    const { memory, delivery, log } = setUp();
    await memory("mute", SENDING + 1);
    delivery.stop();
    await settle();
    expect(log).toEqual(["dropped mute: shutdown"]);
    await memory("mute");
    expect(log).toEqual(["dropped mute: shutdown", "dropped mute: shutdown"]);
  });
});

describe("an app with a receiver that answers and one that never does", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("has all sent to the one, and only the other's share waits in memory, or is dropped", async () => {
    const { memory, sentTo, log } = setUp();
    for (let i = 0; i < (SENDING + WAITING) / SENDING; i += 1) await memory("both", SENDING);
    await memory("both");
    expect([sentTo(WELL), sentTo("http://mute"), log]).toEqual([SENDING + WAITING + 1, SENDING, ["dropped both: no-answer"]]); // prettier-ignore
    await vi.advanceTimersByTimeAsync(20_000);
    expect(log).toHaveLength(1 + SENDING + WAITING);
    await memory("both", 10);
    expect([sentTo(WELL), sentTo("http://mute")]).toEqual([SENDING + WAITING + 11, SENDING]);
    expect(log).toHaveLength(1 + SENDING + WAITING + 10);
  });

  it("has no job go back to a shared queue that the one was sent, and is told from it while it waits", async () => {
    const { redis, sqs, sentTo, answers, log } = setUp();
    for (let i = 0; i < SENDING + 1; i += 1) await redis("both");
    expect(await sqs("both")).toBe("done");
    expect([sentTo(WELL), sentTo("http://mute"), log]).toEqual([SENDING + 2, SENDING, []]);
    answers[0]?.();
    answers[1]?.();
    await settle();
    expect(sentTo("http://mute")).toBe(SENDING + 2);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(log).toHaveLength(SENDING);
    await redis("both");
    expect(await sqs("both")).toBe("done");
    expect([sentTo(WELL), sentTo("http://mute"), log.length]).toEqual([
      SENDING + 4,
      SENDING + 2,
      SENDING + 2,
    ]);
    expect(new Set(log)).toEqual(new Set(["dropped both: no-answer"]));
  });

  it("has nothing counted for the other that it would not get", async () => {
    const { memory, sentTo, log } = setUp();
    await memory("both", SENDING + WAITING);
    await memory("idle", 1);
    await memory("idle", SENDING + WAITING);
    expect([sentTo(WELL), sentTo("http://mute"), log]).toEqual([2 * (SENDING + WAITING) + 1, SENDING, []]);
  });

  it("has what waited sent with the secret of then, or the last one that was read", async () => {
    const { memory, secrets, state, answers } = setUp();
    await memory("mute", SENDING + 2);
    state.secret = "new";
    answers[0]?.();
    await settle();
    state.error = new Error("away");
    answers[1]?.();
    await settle();
    expect(secrets.slice(SENDING)).toEqual(["new", "s"]);
  });

  it("has nothing sent to a receiver that it no longer has when the place is free, and the place is given back", async () => {
    const { memory, answers, sentTo, log } = setUp();
    WEBHOOKS.former = [client("http://former")];
    await memory("former", SENDING + 1);
    WEBHOOKS.former = [];
    answers[0]?.();
    await settle();
    WEBHOOKS.former = [client("http://former")];
    await memory("former");
    delete WEBHOOKS.former;
    expect([sentTo("http://former"), log]).toEqual([SENDING + 1, []]);
  });
});

describe("places at an app's receivers", () => {
  it("are given in order, within a limit of bytes", async () => {
    const receivers = new WebhookReceivers();
    for (let i = 0; i < SENDING; i += 1) expect(receivers.begin("a")).toBe(true);
    const order: string[] = [];
    void receivers.beginLater("a", 5_000_000).then((has) => order.push(`first ${has}`));
    expect(await receivers.beginLater("a", 5_000_000)).toBe("no-answer");
    void receivers.beginLater("a", 3_000_000).then((has) => order.push(`second ${has}`));
    receivers.end("a");
    receivers.end("a");
    await waitFor(() => {
      expect(order).toEqual(["first place", "second place"]);
    });
    expect(receivers.begin("a")).toBe(false);
    for (let i = 0; i < SENDING; i += 1) receivers.end("a");
    for (let i = 0; i < SENDING; i += 1) expect(receivers.begin("a")).toBe(true);
    expect(receivers.begin("a")).toBe(false);
  });

  it("are few when all receivers together have very many, until some are given back", () => {
    const receivers = new WebhookReceivers();
    const take = (receiver: string) => Array.from({ length: SENDING }, () => receivers.begin(receiver)).filter(Boolean).length; // prettier-ignore
    const full = Array.from({ length: 20 }, (_, i) => take(`mute ${i}`));
    expect(new Set(full)).toEqual(new Set([SENDING]));
    expect([take("a"), take("b"), take("a")]).toEqual([10, 10, 0]);
    for (let i = 0; i < 21; i += 1) receivers.end("mute 0");
    expect([take("a"), take("mute 0")]).toEqual([1, 0]);
  });

  it("are waited for within a limit for all together", async () => {
    const receivers = new WebhookReceivers();
    const waitFor = (receiver: string) => {
      for (let i = 0; i < SENDING; i += 1) receivers.begin(receiver);
      return receivers.beginLater(receiver, 7_000_000);
    };
    const waiting = ["a", "b", "c", "d"].map(waitFor);
    expect(await waitFor("e")).toBe("no-answer");
    receivers.end("a");
    expect(await waiting[0]).toBe("place");
    const late = waitFor("e");
    receivers.stop();
    expect(await Promise.all([...waiting, late])).toEqual(["place", "shutdown", "shutdown", "shutdown", "shutdown"]); // prettier-ignore
  });
});
