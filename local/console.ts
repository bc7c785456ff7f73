import { createAppItems } from "../src/aws/app-items.ts";
import { localDynamoDb } from "./apps-table.ts";
import { ioredis } from "../src/redis/ioredis.ts";
import { openRedis } from "../src/redis/connection.ts";
import { readCanaryResults } from "../src/fleet/canary-results.ts";
import { createFleet } from "../src/redis/fleet.ts";
import { EnvReader } from "../src/config/env.ts";
import { readRedis } from "../src/config/redis.ts";
import { Observer } from "../src/console/observer.ts";
import { type Console, startConsole } from "../src/console/server.ts";
import { busNames, defaultPrefix } from "../src/protocol/names.ts";
import { createControls } from "./controls.ts";
import type { Stack } from "./stack.ts";

/** The console of the local stack, with hands on it. @param port 0 takes a free one. */
export async function startLocalConsole(stack: Stack, port: number): Promise<Console> {
  const { redisUrl, dynamodbEndpoint, table } = stack;
  const env = new EnvReader({ REDIS_URL: redisUrl });
  const settings = readRedis(env);
  env.finish();
  if (!settings) throw new Error("expected the stack to have a Redis, found none");
  const redis = openRedis({
    library: ioredis,
    settings,
    timeouts: { connectMs: 1_000, commandMs: 2_000, retriesPerCommand: 1 },
    // The page says it: each look that fails tells why.
    onError: () => undefined,
  });
  const names = busNames(defaultPrefix(table.name));
  const fleet = createFleet(redis, names);
  const served = await startConsole({
    host: "127.0.0.1",
    port,
    table: table.name,
    log: names.log,
    // None runs here: the page says so.
    observer: new Observer(fleet, { readCanary: () => readCanaryResults(redis, names) }),
    items: createAppItems(localDynamoDb(dynamodbEndpoint), table.name),
    controls: createControls({ stack, redis, names, fleet }),
    assets: new URL("../dist/console/", import.meta.url),
  });
  return {
    url: served.url,
    async close() {
      await served.close();
      redis.disconnect();
    },
  };
}
