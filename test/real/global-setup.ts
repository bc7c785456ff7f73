import { execFileSync } from "node:child_process";
import type { TestProject } from "vitest/node";
import { startDynamoDbLocal } from "../../local/dynamodb-local.ts";
import { startRedis } from "../../local/redis-server.ts";
import { CHROMIUM, JAVA, PROMETHEUS, provide, REDIS } from "../../local/requirements.ts";
import { nodeBinary } from "../support/node-versions.ts";

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
  execFileSync(process.execPath, ["esbuild.config.mjs"], { stdio: "inherit" });
  for (const requirement of [REDIS, JAVA]) {
    // The tests hurt what they start: never what the user's variable names.
    const source = provide({ ...requirement, variable: "" }, console.log);
    if (source.kind !== "path") {
      throw new Error(
        `the tests start their own ${requirement.command}: expected it on PATH, found ${source.kind}`,
      );
    }
  }
  // Installed here, where no test's time limit runs. Without them only their own tests fail, and say what to type.
  for (const install of [
    () => void provide(CHROMIUM, console.log),
    () => void provide(PROMETHEUS, console.log),
    // By nobody else: two files that need the same one would install it at the same time.
    ...["16", "18", "20", "22", "24"].map((major) => () => void nodeBinary(major)),
  ]) {
    try {
      install();
    } catch (error) {
      console.log(error instanceof Error ? error.message : String(error));
    }
  }
  const redis = await startRedis();
  const dynamodb = await startDynamoDbLocal();
  project.provide("redisUrl", redis.url);
  project.provide("dynamodbEndpoint", dynamodb.endpoint);
  return async () => {
    await dynamodb.stop();
    await redis.stop();
  };
}
