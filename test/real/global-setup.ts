import { execFileSync } from "node:child_process";
import type { TestProject } from "vitest/node";
import { startDynamoDbLocal } from "../../local/dynamodb-local.ts";
import { startRedis } from "../../local/redis-server.ts";
import { provideForTests } from "../../local/provide.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** One DynamoDB Local for the whole run; each test has tables of its own. */
    dynamodbEndpoint: string;
    /** One Redis for the whole run; each test has a prefix of its own. Tests that hurt Redis start their own. */
    redisUrl: string;
  }
}

/** Builds what the tests run, and starts what they share. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env.APP_SYNC_BUILT = "1";
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  provideForTests(console.log);
  execFileSync(process.execPath, ["esbuild.config.mjs"], { stdio: "inherit" });
  const redis = await startRedis();
  const dynamodb = await startDynamoDbLocal();
  project.provide("redisUrl", redis.url);
  project.provide("dynamodbEndpoint", dynamodb.endpoint);
  return async () => {
    await dynamodb.stop();
    await redis.stop();
  };
}
