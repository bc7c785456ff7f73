import { describe, expect, it } from "vitest";
import { busNames } from "../../../src/protocol/names.ts";
import type { RedisConnection } from "../../../src/redis/library.ts";
import { createRedisLog } from "../../../src/redis/log.ts";
import { createSoketiAppCache } from "../../../src/redis/shared-app-cache.ts";

/** What knows no scripts and answers all the same. */
const answering = (reply: unknown) =>
  ({ evalsha: () => Promise.resolve(reply) }) as unknown as RedisConnection;

describe.each(["OK", "QUEUED", null, 5, [], "", "1-9007199254740993"])(
  "a server that answers %j to a script",
  (reply) => {
    const foreign = { name: "RedisError", reason: "it answers like another server: check host and port" };

    it("has taken no message", async () => {
      const log = createRedisLog(answering(reply), busNames("{x}"), { logLength: 100, logBytes: 2 ** 20 });
      await expect(log.append([{ whole: "{}", live: "{}" }])).rejects.toMatchObject(foreign);
    });

    it("has written no app", async () => {
      const store = createSoketiAppCache(answering(reply), { keyPrefix: "", ttlSeconds: 0 });
      const write = { name: "a", appId: "a", fence: { kind: "none" }, json: "{}" } as const;
      await expect(store.write([write])).rejects.toMatchObject(foreign);
    });
  },
);
