import { Redis } from "ioredis";

/** What somebody would write in five minutes: the measure for the start of ours. */
const redis = new Redis(process.env.REDIS_URL ?? "", { lazyConnect: true });

export async function handler(event: { Records: unknown[] }): Promise<void> {
  await redis.publish("bare", JSON.stringify(event.Records));
}
