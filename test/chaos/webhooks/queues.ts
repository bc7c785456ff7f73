import { buildApp } from "fauxqs";
import { startRedis } from "../../../local/redis-server.ts";
import { writeSoketiConfig } from "../../support/soketi-config.ts";

export const QUEUES = ["sync", "redis", "sqs"] as const;
export type QueueDriver = (typeof QUEUES)[number];

/** A queue for soketi's webhooks: what the node's environment says of it. */
export interface WebhookQueueServer {
  readonly env: Readonly<Record<string, string>>;
  /** The node's arguments. */
  readonly args?: readonly string[] | undefined;
  stop(): Promise<void>;
}

const REGION = "us-east-1";
const NAME = "webhooks.fifo";

export async function startQueue(driver: QueueDriver): Promise<WebhookQueueServer> {
  if (driver === "sync") return { env: {}, stop: () => Promise.resolve() };
  if (driver === "redis") {
    const redis = await startRedis();
    const env = { SOKETI_QUEUE_DRIVER: driver, SOKETI_DB_REDIS_PORT: `${redis.port}` };
    return { env, stop: () => redis.stop() };
  }
  const emulator = await startSqs();
  // A consumer waits for messages for 20 s at a time, and a node that stops waits for its consumers.
  const config = writeSoketiConfig({ "queue.sqs.consumerOptions": { waitTimeSeconds: 1 } });
  return {
    env: {
      SOKETI_QUEUE_DRIVER: driver,
      SOKETI_QUEUE_SQS_REGION: REGION,
      SOKETI_QUEUE_SQS_ENDPOINT: emulator.endpoint,
      SOKETI_QUEUE_SQS_URL: `${emulator.endpoint}/000000000000/${NAME}`,
      SOKETI_QUEUE_SQS_BATCH_SIZE: "10",
      SOKETI_QUEUE_SQS_PROCESS_BATCH: "true",
      SOKETI_QUEUE_SQS_POLLING_WAIT_TIME_MS: "0",
    },
    args: config.args,
    async stop() {
      await config.stop();
      await emulator.stop();
    },
  };
}

/** What is used of Fastify, whose types this project does not have. */
interface Emulator {
  addHook(
    name: "preHandler",
    hook: (request: { body: unknown }, reply: unknown, done: () => void) => void,
  ): void;
  listen(options: { readonly port: number; readonly host: string }): Promise<string>;
  close(): Promise<void>;
}

/**
 * fauxqs, an emulator of SQS, in this process: a FIFO queue. A message that is not acknowledged is given again after 30 s, the
 * default of AWS.
 */
async function startSqs(): Promise<{ readonly endpoint: string; stop(): Promise<void> }> {
  const emulator = buildApp({ logger: false }) as unknown as Emulator;
  const queue: { url?: string } = {};
  // Its queues have hosts such as sqs.us-east-1.localhost, which not every system finds; it has one queue.
  emulator.addHook("preHandler", (request, _reply, done) => {
    const body = request.body as { QueueUrl?: string } | undefined;
    if (body?.QueueUrl !== undefined) body.QueueUrl = queue.url ?? body.QueueUrl;
    done();
  });
  const endpoint = await emulator.listen({ port: 0, host: "127.0.0.1" });
  const created = await fetch(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.CreateQueue" },
    body: JSON.stringify({ QueueName: NAME, Attributes: { FifoQueue: "true" } }),
  });
  queue.url = ((await created.json()) as { QueueUrl: string }).QueueUrl;
  return { endpoint, stop: () => emulator.close() };
}
