import { createHash, randomUUID } from "node:crypto";
import { UnacknowledgedError } from "./errors.ts";
import type { HeldWork } from "./held-work.ts";
import type { WebhookReporter } from "./webhook-parts.ts";

/** A message of SQS, as far as it matters. */
type Message = object;

/** Of the package sqs-consumer (5.7 to 5.8): which handler is asked is looked up at each message. */
interface SqsConsumer {
  handleMessage?: (message: Message) => Promise<unknown>;
  handleMessageBatch?: (messages: Message[]) => Promise<unknown>;
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

/**
 * soketi's `sqs` queue: a message that is not answered holds up its consumer for good, and there is no other answer than
 * "done". An error of the queue itself ends the process, since nothing listens for it.
 */
export class WebhookSqs {
  readonly #driver: SqsDriver;
  readonly #report: WebhookReporter;
  #unacknowledge: (() => void) | undefined;

  constructor(driver: SqsDriver, held: HeldWork, report: WebhookReporter) {
    this.#driver = driver;
    this.#report = report;
    this.#retrySending(held);
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

  #handle(work: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#unacknowledge = () => {
        reject(new UnacknowledgedError());
      };
      try {
        work().then(resolve, reject);
      } finally {
        this.#unacknowledge = undefined;
      }
    });
  }

  /** soketi logs a message that SQS did not take, and forgets it. */
  #retrySending(held: HeldWork): void {
    const sqsClient = this.#driver.sqsClient.bind(this.#driver);
    this.#driver.sqsClient = () => {
      const client = sqsClient();
      const sendMessage = client.sendMessage.bind(client);
      client.sendMessage = (parameters, sent) => {
        const appId = appIdOf(parameters);
        const acceptable = acceptableTo(parameters);
        let last: SqsError | null = null;
        void held.submit({
          key: parameters.MessageGroupId,
          bytes: () => Buffer.byteLength(parameters.MessageBody),
          attempt: () =>
            new Promise((resolve) => {
              sendMessage(acceptable, (error, data) => {
                last = error;
                const isOver = !error || isFinal(error);
                if (isOver) this.#answer(appId, error, () => sent(null, data));
                else this.#report.webhookRetried(appId);
                resolve(isOver);
              });
            }),
          giveUp: () => this.#answer(appId, last, () => sent(null)),
        });
      };
      return client;
    };
  }

  /** soketi itself is told of no error: it would log the message, with what the client sent. */
  #answer(appId: string, error: SqsError | null, sent: () => void): void {
    if (error) {
      this.#report.webhooksFailed(error);
      this.#report.webhookDropped("queue-failed", appId);
    }
    sent();
  }
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
