import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RetryQueue } from "../../../src/soketi/retry-queue.ts";
import type { SoketiAppManager, SoketiAppObject, SoketiJob } from "../../../src/soketi/server.ts";
import type { WebhookApps } from "../../../src/soketi/webhook-apps.ts";
import { WebhookDelivery } from "../../../src/soketi/webhook-delivery.ts";
import type { WebhookReporter } from "../../../src/soketi/webhook-parts.ts";
import { WebhookQueue } from "../../../src/soketi/webhook-queue.ts";
import { WebhookReceivers } from "../../../src/soketi/webhook-receivers.ts";

const NOW = 1_000_000;
/** Webhooks of one app that may be on their way, and that may wait for it. */
const SENDING = 250;
const WAITING = 2_500;

/** soketi's worker posts, and is done when the receiver has answered: here that is for the test to say. */
function setUp() {
  const log: string[] = [];
  const report: WebhookReporter = {
    webhookDropped: (reason, appId) => void log.push(`dropped ${appId}: ${reason}`),
    webhookRetried: (appId) => void log.push(`retried ${appId}`),
    webhooksFailed: (error) => void log.push(`failed: ${(error as Error).message}`),
  };
  const signals: AbortSignal[] = [];
  const http = {
    post: (_url: string, _data: unknown, config?: object) => {
      const { signal } = config as { signal: AbortSignal };
      signals.push(signal);
      return Promise.resolve();
    },
  };
  const manager = { findByKey: () => Promise.resolve(null) } as unknown as SoketiAppManager;
  const apps = {
    find: (id: string) => Promise.resolve({ id, key: "k", secret: "s", webhooks: [{}] } as unknown as SoketiAppObject), // prettier-ignore
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
  const callback = queue.callback((job, done) => {
    void manager.findByKey("k").then(() => {
      void http.post("http://receiver", job.data, {});
      answers.push(done);
    });
  });
  return {
    log,
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
    expect(log).toEqual(["dropped mute: no-answer"]);
  });
});

describe("places at an app's receivers", () => {
  it("are given in order, within a limit of bytes", async () => {
    const receivers = new WebhookReceivers();
    for (let i = 0; i < SENDING; i += 1) expect(receivers.begin("a")).toBe(true);
    const order: string[] = [];
    void receivers.beginLater("a", 5_000_000).then((has) => order.push(`first ${has}`));
    expect(await receivers.beginLater("a", 5_000_000)).toBe(false);
    void receivers.beginLater("a", 3_000_000).then((has) => order.push(`second ${has}`));
    receivers.end("a");
    receivers.end("a");
    await vi.waitFor(() => expect(order).toEqual(["first true", "second true"]));
    expect(receivers.begin("a")).toBe(false);
    for (let i = 0; i < SENDING; i += 1) receivers.end("a");
    for (let i = 0; i < SENDING; i += 1) expect(receivers.begin("a")).toBe(true);
    expect(receivers.begin("a")).toBe(false);
  });
});
