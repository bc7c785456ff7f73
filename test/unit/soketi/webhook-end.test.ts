import { createRequire } from "node:module";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type {
  QueueCallback,
  SoketiAppClass,
  SoketiAppManager,
  SoketiQueues,
  SoketiServer,
  SoketiWebhookSender,
} from "../../../src/soketi/server.ts";
import type { WebhookReporter } from "../../../src/soketi/webhook-parts.ts";
import { guardWebhooks } from "../../../src/soketi/webhooks.ts";
import { waitFor } from "../../support/wait-for.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../support/webhook-receiver.ts";

const require = createRequire(import.meta.url);
const { Server } = require("@soketi/soketi/dist/server.js") as {
  Server: new (options: object) => SoketiServer;
};
const { App } = require("@soketi/soketi/dist/app.js") as { App: SoketiAppClass };
const { Queue } = require("@soketi/soketi/dist/queues/queue.js") as {
  Queue: new (server: SoketiServer) => SoketiQueues;
};

/** Names of events that came, one list for each request. */
const came: string[][] = [];
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await startWebhookReceiver(({ events }) => {
    came.push(events.map(({ name, channel }) => `${name} ${channel}`));
  });
});

afterAll(() => receiver.close());

beforeEach(() => {
  came.length = 0;
});

/** soketi's own queues and sender, with batches that would be open for a minute. */
function start(mode: string, driver: string, prepare: (queues: SoketiQueues) => SoketiQueues = (own) => own) {
  const log: string[] = [];
  const report: WebhookReporter = {
    webhookDropped: (reason, appId) => void log.push(`dropped ${appId}: ${reason}`),
    webhookRetried: (appId) => void log.push(`retried ${appId}`),
    webhooksFailed: (error) => void log.push(`failed: ${(error as Error).message}`),
  };
  const server = new Server({
    mode,
    "queue.driver": driver,
    "queue.sqs.queueUrl": "http://sqs",
    "webhooks.batching.enabled": true,
    "webhooks.batching.duration": 60_000,
  });
  const manager = { findByKey: () => Promise.resolve(null) } as unknown as SoketiAppManager;
  const url = `${receiver.url}/`;
  const webhooks = [{ url, event_types: ["channel_vacated", "channel_occupied"] }];
  const app = new App({ id: "a", key: "k", secret: "s", enabled: true, webhooks }, server);
  Object.assign(server, { appManager: manager });
  guardWebhooks({
    server,
    manager,
    appClass: App,
    cache: { findById: () => Promise.resolve(app), inspect: () => undefined },
    makeLambdaClient: () => undefined,
    http: undefined,
    report,
    closesPerSecond: 5_000,
  });
  const queues = prepare(new Queue(server));
  server.setQueueManager(queues);
  server.setWebhookSender();
  return { app, queues, log, sender: server.webhookSender as SoketiWebhookSender };
}

describe("webhooks of a node that stops", () => {
  it("come although their batch is open, also those that happen meanwhile, before it has stopped", async () => {
    const { app, queues, sender, log } = start("full", "sync");
    sender.sendChannelOccupied(app, "one");
    sender.sendChannelVacated(app, "one");
    const stopped = queues.disconnect();
    sender.sendChannelVacated(app, "late");
    await stopped;
    expect(came).toHaveLength(2);
    expect(came).toEqual(expect.arrayContaining([["channel_occupied one", "channel_vacated one"], ["channel_vacated late"]])); // prettier-ignore
    expect(log).toEqual([]);
  });

  it("are waited for on their way to the queue", async () => {
    const sent: (() => void)[] = [];
    const { app, queues, sender } = start("server", "sqs", (own) => {
      const sendMessage = (_: object, answered: (error: null) => void) =>
        void sent.push(() => answered(null));
      return Object.assign(own, {
        driver: Object.assign(own.driver ?? {}, { sqsClient: () => ({ sendMessage }) }),
      });
    });
    sender.sendChannelVacated(app, "one");
    let isStopped = false;
    const stopped = queues.disconnect().then(() => (isStopped = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([sent.length, isStopped]).toEqual([1, false]);
    sent[0]?.();
    await stopped;
  });
});

describe("messages of SQS that a node is sending when it stops", () => {
  /** SQS, as soketi's consumers see it: each receives what it is given. */
  function sqs() {
    const receiving: ((message: object) => void)[] = [];
    const deletions: (() => void)[] = [];
    const receive = () =>
      new Promise<object>((resolve) => receiving.push((message) => resolve({ Messages: [message] })));
    const client = {
      sendMessage: () => undefined,
      receiveMessage: () => ({ promise: receive }),
      deleteMessage: () => ({ promise: () => new Promise<void>((resolve) => deletions.push(resolve)) }),
    };
    return { receiving, deletions, client };
  }
  const messageOf = (channel: string) => {
    const payload = { time_ms: Date.now(), events: [{ name: "channel_vacated", channel }] };
    const data = { appId: "a", appKey: "k", payload, originalPusherSignature: "" };
    return { MessageId: channel, ReceiptHandle: channel, Body: JSON.stringify(data) };
  };
  const turns = async () => {
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it("are deleted before it has stopped, and what comes later is left in the queue", async () => {
    const { receiving, deletions, client } = sqs();
    const { queues, log } = start("full", "sqs", (own) =>
      Object.assign(own, { driver: Object.assign(own.driver ?? {}, { sqsClient: () => client }) }),
    );
    const [first, second] = receiving;
    first?.(messageOf("one"));
    let isStopped = false;
    const stopped = queues.disconnect().then(() => (isStopped = true));
    await waitFor(() => {
      expect(deletions).toHaveLength(1);
    });
    await turns();
    expect([came, isStopped]).toEqual([[["channel_vacated one"]], false]);
    deletions[0]?.();
    await stopped;
    second?.(messageOf("late"));
    await turns();
    expect([came, deletions.length, log]).toEqual([[["channel_vacated one"]], 1, []]);
  });
});

describe("webhooks of a node in mode server", () => {
  it("are counted with the sync queue, which soketi has not there, and that is said once", async () => {
    const { app, queues, sender, log } = start("server", "sync");
    sender.sendChannelOccupied(app, "one");
    await queues.disconnect();
    sender.sendChannelVacated(app, "one");
    expect(log).toEqual([
      expect.stringMatching(/^failed: .*SOKETI_QUEUE_DRIVER=sync with SOKETI_MODE=server/),
      "dropped a: queue-failed",
      "dropped a: queue-failed",
    ]);
    expect(came).toEqual([]);
  });

  it("are dropped without a word by soketi alone", async () => {
    const server = new Server({ mode: "server", "queue.driver": "sync" });
    expect(await new Queue(server).addToQueue("channel_vacated_webhooks", {})).toBeUndefined();
  });

  /** soketi's driver of BullMQ, without Redis. */
  function redisDriver(open: () => void) {
    const callbacks: unknown[] = [];
    const added: unknown[] = [];
    const queueWithWorker = new Map<string, object>();
    const part = { on: () => undefined };
    const driver = {
      queueWithWorker,
      addToQueue: (name: string, data: unknown) =>
        (queueWithWorker.get(name) as { queue: { add(name: string, data: unknown): Promise<unknown> } }).queue.add("webhook", data), // prettier-ignore
      processQueue: (name: string, callback: QueueCallback | undefined) => {
        callbacks.push(callback);
        return new Promise<void>((resolve) => {
          open();
          const add = (_: string, data: unknown) => Promise.resolve(added.push([name, data]));
          queueWithWorker.set(name, { queue: { ...part, add }, worker: part, scheduler: part });
          resolve();
        });
      },
      disconnect: () => Promise.resolve(),
    };
    return { driver, callbacks, added };
  }

  it("are put into Redis' queue, whose worker has nothing to call", async () => {
    const { driver, callbacks, added } = redisDriver(() => undefined);
    const { app, queues, sender, log } = start("server", "redis", (own) => Object.assign(own, { driver }));
    await queues.disconnect();
    sender.sendChannelOccupied(app, "one");
    sender.sendChannelVacated(app, "one");
    sender.sendChannelVacated(app, "two");
    expect(callbacks).toEqual([undefined, undefined]);
    expect(added.map((one) => (one as [string, object])[0])).toEqual([
      "channel_occupied_webhooks",
      "channel_vacated_webhooks",
      "channel_vacated_webhooks",
    ]);
    expect(log).toEqual([]);
  });

  it("are counted where that queue cannot be opened, which is tried once", async () => {
    const { driver, callbacks } = redisDriver(() => {
      throw new Error("cannot");
    });
    const { app, queues, sender, log } = start("server", "redis", (own) => Object.assign(own, { driver }));
    await queues.disconnect();
    sender.sendChannelVacated(app, "one");
    sender.sendChannelVacated(app, "two");
    await Promise.resolve();
    expect(callbacks).toHaveLength(1);
    expect(log).toEqual([
      expect.stringMatching(/SOKETI_QUEUE_DRIVER=redis with SOKETI_MODE=server/),
      "dropped a: queue-failed",
      "dropped a: queue-failed",
      "failed: cannot",
    ]);
  });
});
