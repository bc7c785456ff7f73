import { createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { RetryQueue } from "../../../src/soketi/retry-queue.ts";
import { WebhookQueue } from "../../../src/soketi/webhook-queue.ts";
import { WebhookDelivery } from "../../../src/soketi/webhook-delivery.ts";
import { WebhookApps } from "../../../src/soketi/webhook-apps.ts";
import { guardRedisQueue, type RedisQueueDriver } from "../../../src/soketi/webhook-redis.ts";
import { UnacknowledgedError } from "../../../src/soketi/errors.ts";
import { type SqsDriver, WebhookSqs } from "../../../src/soketi/webhook-sqs.ts";
import type { SoketiAppClass, SoketiAppManager, SoketiAppObject, SoketiJob, SoketiServer } from "../../../src/soketi/server.ts"; // prettier-ignore
import type { SoketiWorker, WebhookReporter } from "../../../src/soketi/webhook-parts.ts";

const NOW = 1_000_000;

function signatureOf(payload: unknown, secret: string): string {
  return createHmac("sha256", secret).update(JSON.stringify(payload)).digest("hex");
}

function jobOf(more: object = {}, at = NOW): SoketiJob {
  const payload = { time_ms: at, events: [{ name: "client_event", channel: "c" }] };
  const data = { appId: "a", appKey: "old", payload, originalPusherSignature: signatureOf(payload, "old") };
  return { data, ...more };
}

/** What the table has of app "a": an app, nothing, or an error. */
type Found = SoketiAppObject | null | Error;

const appOf = (key: string, secret: string) =>
  ({ id: "a", key, secret, webhooks: [{}], initialApp: {} }) as unknown as SoketiAppObject;

function setUp(found: Found, closesPerSecond = 5_000) {
  const state = { found, now: NOW, reads: 0, held: undefined as SoketiAppObject | undefined };
  const log: string[] = [];
  const report: WebhookReporter = {
    webhookDropped: (reason, appId) => void log.push(`dropped ${appId}: ${reason}`),
    webhookRetried: (appId) => void log.push(`retried ${appId}`),
    webhooksFailed: (error) => void log.push(`failed: ${(error as Error).message}`),
  };
  const manager = {
    findByKey: () => Promise.resolve(null),
  } as unknown as SoketiAppManager;
  const apps = new WebhookApps({
    cache: {
      findById: (_id, onError) => {
        state.reads += 1;
        if (!(state.found instanceof Error)) return Promise.resolve(state.found);
        onError?.(state.found);
        return Promise.resolve(null);
      },
      inspect: () => state.held && { app: state.held, readMsAgo: 0, proven: true },
    },
    appClass: undefined as unknown as SoketiAppClass,
    server: {} as SoketiServer,
    clock: () => state.now,
    now: () => state.now,
    closesPerSecond,
  });
  const makeLambdaClient = () => undefined;
  const delivery = new WebhookDelivery({ manager, apps, makeLambdaClient, http: undefined, report });
  /** As soketi's. */
  const worker: SoketiWorker = (job, done) => {
    const data = job.data as { appKey: string; payload: unknown; originalPusherSignature: string };
    void manager.findByKey(data.appKey).then((app) => {
      if (!app) throw new TypeError("Cannot read properties of null (reading 'secret')");
      if (data.originalPusherSignature !== signatureOf(data.payload, app.secret)) return;
      log.push(`sent ${data.appKey} ${app.secret}`);
      done();
    });
  };
  const retries = new RetryQueue({ clock: () => state.now, maxAgeMs: 1_000, maxItems: 1, maxBytes: 10_000 });
  let unacknowledge: (() => void) | undefined;
  const queue = new WebhookQueue({
    delivery,
    retries,
    report,
    now: () => state.now,
    takeUnacknowledge: () => unacknowledge,
  });
  const callback = queue.callback(worker);
  return {
    state,
    log,
    report,
    apps,
    manager,
    retries,
    delivery,
    redis: (job: SoketiJob) => callback(job, "token") as Promise<void>,
    memory: (job: SoketiJob) => new Promise<string>((resolve) => callback(job, () => resolve("done"))),
    sqs: (job: SoketiJob) =>
      new Promise<string>((resolve) => {
        unacknowledge = () => resolve("given back");
        callback(job, () => resolve("done"));
        unacknowledge = undefined;
      }),
  };
}

const away = new Error("away");

/** All that was settled is known to whoever waits for it. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a queued webhook", () => {
  it.each(["redis", "memory", "sqs"] as const)(
    "in the %s queue is sent with the key and the secret of now, after one lookup",
    async (queue) => {
      const { [queue]: run, log, state, delivery } = setUp(appOf("new", "secret"));
      await run(jobOf());
      await delivery.idle();
      expect([log, state.reads]).toEqual([["sent new secret"], 1]);
    },
  );

  it.each(["redis", "memory", "sqs"] as const)(
    "in the %s queue that is none is answered, and counted",
    async (queue) => {
      const { [queue]: run, log } = setUp(appOf("new", "secret"));
      for (const data of [
        undefined,
        { appId: "a" },
        { appId: "a", payload: { time_ms: 1, events: [{ name: "n", channel: ["c"] }] } },
      ])
        // prettier-ignore
        await run({ data });
      expect(log).toEqual(Array.from({ length: 3 }, () => "dropped (unknown): unreadable-job"));
    },
  );

  it("goes back to BullMQ while the table cannot be read, as often as it takes, for an hour", async () => {
    const { redis, log, state } = setUp(away);
    const job = jobOf({ attemptsMade: 9, opts: { attempts: 6, backoff: {} } });
    await expect(redis(job)).rejects.toThrow("Could not send a webhook yet: table-unreadable");
    expect(job.opts).toEqual({ attempts: 11, backoff: { type: "fixed", delay: 30_000 } });
    state.now += 3_600_001;
    await redis(job);
    expect(log).toEqual(["retried a", "dropped a: table-unreadable"]);
  });

  it("is not acknowledged to SQS while the table cannot be read", async () => {
    const { sqs, log, state } = setUp(away);
    state.now += 10_000_000;
    expect([await sqs(jobOf()), log]).toEqual(["given back", ["retried a"]]);
  });

  it("waits in memory while the table cannot be read, within the budget of space", async () => {
    const { memory, log, retries } = setUp(away);
    const first = memory(jobOf());
    await settled();
    expect(await memory(jobOf())).toBe("done");
    expect([log, retries.size]).toEqual([["retried a", "dropped a: table-unreadable"], 1]);
    retries.stop();
    expect([await first, log.at(-1)]).toEqual(["done", "dropped a: shutdown"]);
  });

  it("asks the table once in a second that cannot be read", async () => {
    const { sqs, state } = setUp(away);
    await sqs(jobOf());
    await sqs(jobOf());
    expect(state.reads).toBe(1);
    state.now += 1_000;
    await sqs(jobOf());
    expect(state.reads).toBe(2);
  });

  it("of a deleted app is sent with what was known last, if it happened until a minute after, for an hour", async () => {
    const { sqs, log, state, apps } = setUp(null);
    apps.remember(appOf("last", "secret"));
    await sqs(jobOf());
    state.now += 3_600_000;
    await sqs(jobOf());
    await sqs(jobOf({}, NOW + 60_001));
    state.now += 1;
    await sqs(jobOf());
    expect(log).toEqual([
      "sent last secret",
      "sent last secret",
      "dropped a: app-gone",
      "dropped a: app-gone",
    ]);
  });

  it("of a deleted app whose connections are closed slowly is sent for as long as that may take", async () => {
    const { sqs, log, state, apps } = setUp(null, 200);
    apps.remember(appOf("last", "secret"));
    await sqs(jobOf());
    state.now += 3_600_000;
    await sqs(jobOf({}, NOW + 1_500_000));
    await sqs(jobOf({}, NOW + 1_500_001));
    expect(log).toEqual(["sent last secret", "sent last secret", "dropped a: app-gone"]);
  });

  it("of an app that was created again under the id of a deleted one, and deleted too, is not sent to that one's receivers", async () => {
    const { sqs, log, state, apps } = setUp(null);
    apps.remember(appOf("first", "secret"));
    await sqs(jobOf());
    // A connection of the first one, which is closed only now, has an older version of it.
    apps.remember(appOf("older", "secret"));
    await sqs(jobOf());
    const again = appOf("second", "other");
    state.held = again;
    apps.remember(again);
    state.held = undefined;
    await sqs(jobOf());
    expect(log).toEqual(["sent first secret", "sent first secret", "sent second other"]);
  });

  it("of an app that was created again under the id of a deleted one, as a message said, is not sent to that one's receivers", async () => {
    const { sqs, log, apps } = setUp(null);
    apps.remember(appOf("first", "secret"));
    await sqs(jobOf());
    apps.changed({ appId: "a", type: "created", keys: [] }, undefined);
    expect(await sqs(jobOf())).toBe("given back");
    expect(log).toEqual(["sent first secret", "retried a"]);
  });

  it("of a deleted app is sent as the app was last, which was changed since this node had its last webhook", async () => {
    const { sqs, log, apps } = setUp(null);
    apps.remember(appOf("k", "former secret"));
    apps.changed({ appId: "a", type: "deleted", keys: [] }, appOf("k", "last secret"));
    await sqs(jobOf());
    // Said again, when it is held no longer; and of another, that this node does not have.
    apps.changed({ appId: "a", type: "deleted", keys: [] }, undefined);
    apps.changed({ appId: "b", type: "deleted", keys: [] }, undefined);
    await sqs(jobOf());
    expect(log).toEqual(["sent k last secret", "sent k last secret"]);
  });

  it("of an app that this node never had goes back to a shared queue for ten minutes, and is dropped from memory", async () => {
    const { sqs, redis, memory, log, state } = setUp(null);
    expect(await sqs(jobOf())).toBe("given back");
    await expect(redis(jobOf())).rejects.toThrow("app-gone");
    expect(await memory(jobOf())).toBe("done");
    state.now += 600_001;
    expect(await sqs(jobOf())).toBe("done");
    await redis(jobOf());
    expect(log).toEqual(["retried a", "retried a", "dropped a: app-gone", "dropped a: app-gone", "dropped a: app-gone"]); // prettier-ignore
  });

  it("is sent to each webhook with what it wants alone, and without those whose options would end the process", async () => {
    const webhooks = [
      { url: "u", event_types: ["client_event"] },
      { url: "u", event_types: ["member_added"] },
      {
        lambda_function: "f",
        lambda: { client_options: { apiVersion: "x" } },
        event_types: ["client_event"],
      },
      { lambda_function: "g", lambda: { client_options: { apiVersion: "x" } }, event_types: ["cache_miss"] },
    ];
    const app = { id: "a", key: "k", secret: "s", webhooks, initialApp: {} } as unknown as SoketiAppObject;
    const { log, manager, delivery } = setUp(app);
    const payload = {
      time_ms: NOW,
      events: [
        { name: "client_event", channel: "c" },
        { name: "member_added", channel: "c" },
      ],
    };
    const calls: unknown[] = [];
    const worker: SoketiWorker = (job, done) => {
      const data = job.data as { payload: typeof payload; originalPusherSignature: string };
      void manager.findByKey("k").then((found) => {
        const isSigned = data.originalPusherSignature === signatureOf(data.payload, "s");
        calls.push([found?.webhooks, data.payload.events, data.payload.time_ms, isSigned]);
        done();
      });
    };
    await delivery.deliver({ data: { appId: "a", payload } }, worker);
    await delivery.idle();
    expect(calls).toEqual([
      [[webhooks[0]], [payload.events[0]], NOW, true],
      [[webhooks[1]], [payload.events[1]], NOW, true],
    ]);
    expect(log).toEqual(["dropped a: lambda-options"]);
  });

  it("is answered also when soketi's worker throws, at once or in its lookup's answer", async () => {
    const { log, manager, delivery } = setUp(appOf("k", "s"));
    const thrown = await delivery.deliver(jobOf(), () => {
      throw new Error("at once");
    });
    const later = await delivery.deliver(jobOf(), () => {
      void manager.findByKey("k").then(() => {
        throw new Error("later");
      });
    });
    for (const one of [thrown, later]) if (one.kind === "sent") await one.answered;
    expect(log).toEqual(["failed: at once", "failed: later"]);
    expect(await manager.findByKey("k")).toBeNull();
  });
});

describe("soketi's sqs queue", () => {
  function consumerOf(report: WebhookReporter, handlers: object, maxItems = 1) {
    const deleted: object[] = [];
    const consumer = Object.assign(new EventEmitter(), {
      deleteMessageBatch: (messages: object[]) => Promise.resolve(void deleted.push(...messages)),
      ...handlers,
    });
    const sent: { body: Record<string, string>; answer: (error: Error | null) => void }[] = [];
    const client = {
      sendMessage: (body: Record<string, string>, answer: (error: Error | null) => void) =>
        void sent.push({ body, answer }),
    };
    let clients = 0;
    const driver = {
      queueWithConsumer: new Map([["q", consumer]]),
      sqsClient: () => {
        clients += 1;
        return { ...client };
      },
    } as unknown as SqsDriver;
    const retries = new RetryQueue({ clock: () => 0, maxAgeMs: 1_000, maxItems, maxBytes: 10_000 });
    const sqs = new WebhookSqs(driver, retries, report);
    sqs.guard("q");
    return { consumer, deleted, driver, sent, sqs, retries, clients: () => clients };
  }

  it("that is away or throttles does not end the process, and is logged", () => {
    const { report, log } = setUp(null);
    const { consumer } = consumerOf(report, {});
    consumer.emit("error", new Error("Throttled"));
    consumer.emit("error", new UnacknowledgedError());
    expect(log).toEqual(["failed: Throttled"]);
  });

  it("has a message that is not JSON, or is given back, rejected: its consumer leaves it there, and goes on", async () => {
    const { report } = setUp(null);
    const parse = ({ Body }: { Body: string }) => Promise.resolve(JSON.parse(Body) as unknown);
    const { consumer } = consumerOf(report, { handleMessage: parse });
    const { handleMessage } = consumer as unknown as { handleMessage: typeof parse };
    await expect(handleMessage({ Body: "{}" })).resolves.toEqual({});
    await expect(handleMessage({ Body: "no" })).rejects.toThrow(SyntaxError);
  });

  it("acknowledges of a batch what was sent, and nothing else", async () => {
    const { report } = setUp(null);
    const made: { sqs?: WebhookSqs } = {};
    const handle = (messages: { back: boolean }[]) =>
      new Promise<void>((resolve) => {
        if (messages[0]?.back) made.sqs?.takeUnacknowledge()?.();
        else resolve();
      });
    const { consumer, deleted, sqs } = consumerOf(report, { handleMessageBatch: handle });
    made.sqs = sqs;
    const { handleMessageBatch } = consumer as unknown as { handleMessageBatch: typeof handle };
    await expect(handleMessageBatch([{ back: false }, { back: true }])).rejects.toThrow(UnacknowledgedError);
    expect(deleted).toEqual([{ back: false }]);
    await handleMessageBatch([{ back: false }]);
    expect(deleted).toHaveLength(1);
  });

  it("has a message tried again that it did not take, and says so of one that it never will", async () => {
    const { report, log } = setUp(null);
    const { driver, sent, retries } = consumerOf(report, {}, 2);
    const told: unknown[] = [];
    const client = driver.sqsClient();
    const send = (group: string) =>
      client.sendMessage({ MessageBody: "{}", MessageGroupId: group }, (error) => told.push(error));
    send("a_client_event_webhooks");
    sent[0]?.answer(new Error("away"));
    await settled();
    send("b_client_event_webhooks");
    sent[1]?.answer(Object.assign(new Error("long"), { statusCode: 400, code: "InvalidParameterValue" }));
    await settled();
    expect(log).toEqual(["retried a", "failed: long", "dropped b: queue-failed"]);
    expect(told).toEqual([null]);
    retries.stop();
    expect(log.slice(3)).toEqual(["failed: away", "dropped a: shutdown"]);
  });

  it("that is slow has so many messages on their way, by one client, so many wait, and the rest is dropped", async () => {
    const { report, log } = setUp(null);
    const { driver, sent, retries, clients } = consumerOf(report, {}, 300);
    const told: unknown[] = [];
    for (let i = 0; i < 302; i += 1)
      driver
        .sqsClient()
        .sendMessage({ MessageBody: "{}", MessageGroupId: `${i}_client_event_webhooks` }, () => told.push(i));
    await settled();
    expect([sent.length, retries.size, clients()]).toEqual([250, 300, 1]);
    expect(log).toEqual(["dropped 300: queue-failed", "dropped 301: queue-failed"]);
    for (let i = 0; i < 300; i += 1) {
      sent[i]?.answer(null);
      await settled();
    }
    expect([sent.length, retries.size, told.length]).toEqual([300, 0, 302]);
    expect(log).toHaveLength(2);
  });

  it("is given ids that it takes, of each message its own", () => {
    const { report } = setUp(null);
    const { driver, sent } = consumerOf(report, {}, 3);
    for (const MessageGroupId of ["a_cache_miss_webhooks", "ä b_cache_miss_webhooks", "x".repeat(129)])
      driver.sqsClient().sendMessage({ MessageBody: "{}", MessageGroupId }, () => undefined);
    expect(sent.map(({ body }) => body.MessageGroupId)).toEqual([
      "a_cache_miss_webhooks",
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
    expect(new Set(sent.map(({ body }) => body.MessageDeduplicationId)).size).toBe(3);
  });
});

describe("soketi's redis queue", () => {
  it("that takes nothing is tried again with the same job id, and its errors are heard", async () => {
    const { report, log } = setUp(null);
    const added: unknown[] = [];
    let isAway = true;
    const queue = Object.assign(new EventEmitter(), {
      add: (_name: string, _data: unknown, options: { jobId: string }) => {
        added.push(options.jobId);
        return isAway ? Promise.reject(new Error("READONLY")) : Promise.resolve("added");
      },
    });
    const [worker, scheduler] = [new EventEmitter(), new EventEmitter()];
    const driver = { queueWithWorker: new Map([["q", { queue, worker, scheduler }]]) } as unknown as RedisQueueDriver; // prettier-ignore
    const retries = new RetryQueue({ clock: () => 0, maxAgeMs: 10_000, maxItems: 1, maxBytes: 10_000 });
    guardRedisQueue(driver, "q", retries, report);
    worker.emit("error", new Error("lost"));
    scheduler.emit("error", new Error("gone"));
    const adding = driver.queueWithWorker.get("q")?.queue.add("webhook", jobOf().data);
    await Promise.resolve();
    isAway = false;
    expect(await adding).toBe("added");
    expect(log).toEqual(["failed: lost", "failed: gone", "failed: READONLY", "retried a"]);
    expect([added.length, new Set(added).size]).toEqual([2, 1]);
  });
});
