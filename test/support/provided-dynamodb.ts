import { type DynamoDbLocal, startDynamoDbLocal } from "../../local/dynamodb-local.ts";
import { provide } from "../../local/provide.ts";
import { JAVA, REDIS } from "../../local/requirements.mjs";

/** For a command of its own, outside vitest: DynamoDB Local, and a Redis that can be started; what is missing is provided. */
export async function startProvidedDynamoDb(): Promise<DynamoDbLocal> {
  // DynamoDB Local takes any.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" });
  provide(REDIS, console.log);
  const java = provide(JAVA, console.log);
  return startDynamoDbLocal({ image: java.kind === "docker" ? java.image : undefined });
}
