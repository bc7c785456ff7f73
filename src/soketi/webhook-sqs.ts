import { createHash, randomUUID } from "node:crypto";
import type { WebhookDropReason } from "../agent/webhook-drop-reasons.ts";
import { UnacknowledgedError } from "./errors.ts";
import type { RetryQueue } from "./retry-queue.ts";
import { ConcurrencyLimit } from "../async/concurrency-limit.ts";
import { nextTurn } from "../async/next-turn.ts";
import type { WebhookReporter } from "./webhook-parts.ts";
import { wrap } from "./wrap.ts";

/** A message of SQS, as far as it matters. */
type Message = object;

/** Of the package sqs-consumer (5.7 to 5.8): its methods are looked up at each message. */
interface SqsConsumer {
  handleMessage?: (message: Message) => Promise<unknown>;
  handleMessageBatch?: (messages: Message[]) => Promise<unknown>;
  deleteMessage(message: Message): Promise<void>;
  deleteMessageBatch(messages: Message[]): Promise<void>;
  on(event: "error", listener: (error: unknown) => void): unknown;
}

type SqsError = Error & { readonly statusCode?: number; readonly code?: string };
type Sent = (error: SqsError | null, data?: unknown) => void;

interface SqsParameters {
  readonly MessageBody: string;
  readonly MessageGroupId: string;
}

interface SqsClient {
  sendMessage(parameters: SqsParameters, sent: Sent): unknown;
}

export interface SqsDriver {
  readonly queueWithConsumer: Map<string, SqsConsumer>;
  sqsClient(): SqsClient;
}

/** Messages on their way to SQS at the same time: five times the connections that the AWS SDK opens, by default. */
const MAX_SENDING = 250;

/**
 * soketi's `sqs` queue: a message that is not answered holds up its consumer for good, and there is no other answer than
 * "done". An error of the queue itself ends the process, since nothing listens for it.
 */
export class WebhookSqs {
  readonly #driver: SqsDriver;
  readonly #report: WebhookReporter;
  /** Messages that are handled, or deleted after that. */
  readonly #underWay = new Set<Promise<unknown>>();
  #unacknowledge: (() => void) | undefined;
  #isStopped = false;

  constructor(driver: SqsDriver, retries: RetryQueue, report: WebhookReporter) {
    this.#driver = driver;
    this.#report = report;
    this.#retrySending(retries);
  }

  /** For the message whose callback is being called. */
  takeUnacknowledge(): (() => void) | undefined {
    return this.#unacknowledge;
  }

  /** The consumer of this queue is there, and has no message yet. */
  guard(queueName: string): void {
    const consumer = this.#driver.queueWithConsumer.get(queueName);
    if (!consumer) return;
    consumer.on("error", (error) => {
      if (!(error instanceof UnacknowledgedError)) this.#report.webhooksFailed(error);
    });
    wrap(consumer, "deleteMessage", (remove) => (message) => this.#tracked(remove(message)));
    wrap(consumer, "deleteMessageBatch", (remove) => (messages) => this.#tracked(remove(messages)));
    const { handleMessage, handleMessageBatch } = consumer;
    if (handleMessage) consumer.handleMessage = (message) => this.#handle(() => handleMessage(message));
    if (!handleMessageBatch) return;
    consumer.handleMessageBatch = async (messages) => {
      const outcomes = await Promise.allSettled(
        messages.map((message) => this.#handle(() => handleMessageBatch([message]))),
      );
      const handled = messages.filter((_, i) => outcomes[i]?.status === "fulfilled");
      if (handled.length === messages.length) return;
      // The consumer deletes all of a batch, or none.
      if (handled.length > 0) await consumer.deleteMessageBatch(handled);
      throw new UnacknowledgedError();
    };
  }

  /** Resolves when SQS knows what was handled: it would give it again, and it would be sent twice. */
  async answered(): Promise<void> {
    do {
      await Promise.allSettled(this.#underWay);
      // The consumer begins to delete a message in the turn in which it was handled.
      await nextTurn();
    } while (this.#underWay.size > 0);
  }

  /** What still comes is left to other nodes, or to the next start: this one has no time for it. */
  stop(): void {
    this.#isStopped = true;
  }

  #tracked<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const end = () => this.#underWay.delete(work);
    work.then(end, end);
    return work;
  }

  #handle(work: () => Promise<unknown>): Promise<unknown> {
    if (this.#isStopped) return Promise.reject(new UnacknowledgedError());
    const handled = new Promise((resolve, reject) => {
      this.#unacknowledge = () => {
        reject(new UnacknowledgedError());
      };
      try {
        work().then(resolve, reject);
      } finally {
        this.#unacknowledge = undefined;
      }
    });
    return this.#tracked(handled);
  }

  /**
   * soketi logs a message that SQS did not take, and forgets it. It makes a client for each message, and a client and a
   * request weigh far more than the message: here one client sends them all, so many at a time.
   */
  #retrySending(retries: RetryQueue): void {
    const sqsClient = this.#driver.sqsClient.bind(this.#driver);
    let shared: SqsClient | undefined;
    this.#driver.sqsClient = () => (shared ??= this.#retrying(sqsClient(), retries));
  }

  #retrying(client: SqsClient, retries: RetryQueue): SqsClient {
    const sendMessage = client.sendMessage.bind(client);
    const sending = new ConcurrencyLimit(MAX_SENDING);
    client.sendMessage = (parameters, sent) => {
      const appId = appIdOf(parameters);
      const acceptable = acceptableTo(parameters);
      let last: SqsError | null = null;
      void retries.submit({
        key: parameters.MessageGroupId,
        bytes: () => Buffer.byteLength(parameters.MessageBody),
        attempt: async () => {
          const { error, data } = await sending.run(() => answerOf(sendMessage, acceptable));
          last = error;
          const isOver = !error || isFinal(error);
          if (!isOver) this.#report.webhookRetried(appId);
          else if (error) this.#giveUp(appId, error, () => sent(null));
          else sent(null, data);
          return isOver;
        },
        giveUp: (why) => this.#giveUp(appId, last, () => sent(null), why),
      });
    };
    return client;
  }

  /** soketi itself is told of no error: it would log the message, with what the client sent. */
  #giveUp(
    appId: string,
    error: SqsError | null,
    sent: () => void,
    why: WebhookDropReason = "queue-failed",
  ): void {
    if (error) this.#report.webhooksFailed(error);
    this.#report.webhookDropped(why, appId);
    sent();
  }
}

/** A client that cannot be used throws: its credentials, or its region, are none. */
function answerOf(
  sendMessage: SqsClient["sendMessage"],
  parameters: SqsParameters,
): Promise<{ readonly error: SqsError | null; readonly data?: unknown }> {
  return new Promise((resolve) => {
    try {
      sendMessage(parameters, (error, data) => resolve({ error, data }));
    } catch (error) {
      resolve({ error: error as SqsError });
    }
  });
}

/**
 * SQS takes one message of those that have the same deduplication id within 5 minutes, and soketi's is made of the payload: the
 * same client event sent twice in one millisecond is one. A group's id may have 128 printable characters; an app's id, any.
 */
function acceptableTo(parameters: SqsParameters): SqsParameters {
  const { MessageGroupId: group } = parameters;
  const MessageGroupId = /^[!-~]{1,128}$/.test(group)
    ? group
    : createHash("sha256").update(group).digest("hex");
  return Object.assign({}, parameters, { MessageGroupId, MessageDeduplicationId: randomUUID() });
}

/** soketi's group is the app's id and the queue's name. */
function appIdOf({ MessageGroupId }: SqsParameters): string {
  return MessageGroupId.replace(/_[a-z]+_[a-z]+_webhooks$/, "");
}

/** What SQS says of the message itself, it will say again: too long, or not for this queue. */
function isFinal({ statusCode, code }: SqsError): boolean {
  return (
    statusCode === 400 && /InvalidParameter|InvalidMessage|MissingParameter|Unsupported/.test(code ?? "")
  );
}
