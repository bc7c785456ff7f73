import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { startMoto } from "../../deploy/moto.ts";
import { startRedis } from "../../../local/redis-server.ts";

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

export async function startQueue(driver: QueueDriver): Promise<WebhookQueueServer> {
  if (driver === "sync") return { env: {}, stop: () => Promise.resolve() };
  if (driver === "redis") {
    const redis = await startRedis();
    const env = { SOKETI_QUEUE_DRIVER: driver, SOKETI_DB_REDIS_PORT: `${redis.port}` };
    return { env, stop: () => redis.stop() };
  }
  const moto = await startMoto(REGION);
  const endpoint = moto.environment.AWS_ENDPOINT_URL ?? "";
  const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-sqs-"));
  const config = join(folder, "config.json");
  // moto looks once a second at what a consumer waits for; of long polling there is no variable.
  await writeFile(config, JSON.stringify({ "queue.sqs.consumerOptions": { waitTimeSeconds: 0 } }));
  const client = new SQSClient({
    region: REGION,
    endpoint,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const { QueueUrl = "" } = await client.send(
    new CreateQueueCommand({ QueueName: "webhooks.fifo", Attributes: { FifoQueue: "true" } }),
  );
  return {
    env: {
      SOKETI_QUEUE_DRIVER: driver,
      SOKETI_QUEUE_SQS_REGION: REGION,
      SOKETI_QUEUE_SQS_ENDPOINT: endpoint,
      SOKETI_QUEUE_SQS_URL: QueueUrl,
      SOKETI_QUEUE_SQS_BATCH_SIZE: "10",
      SOKETI_QUEUE_SQS_PROCESS_BATCH: "true",
      SOKETI_QUEUE_SQS_POLLING_WAIT_TIME_MS: "50",
    },
    args: ["start", "--config", config],
    async stop() {
      await rm(folder, { recursive: true });
      client.destroy();
      await moto.stop();
    },
  };
}
