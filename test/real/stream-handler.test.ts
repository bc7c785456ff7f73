import { readFileSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { decodeMessage } from "../../src/protocol/message.ts";
import { parseMessageId } from "../../src/protocol/message-id.ts";
import { insert } from "../factories/stream-event.ts";
import { loadHandler } from "../support/fleet.ts";

const context = { getRemainingTimeInMillis: () => 30_000 };
const names = { log: "{t}:v1:log", live: "{t}:v1:live" };
const dist = new URL("../../dist/", import.meta.url);

/** Its own: its scripts are forgotten in between. */
let server: RedisServer;
let redis: Redis;
const env = () => ({
  REDIS_URL: server.url,
  APP_SYNC_PREFIX: "{t}",
  APP_MANAGER_DYNAMODB_TABLE: "apps",
});

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterAll(async () => {
  await redis.quit();
  await server.stop();
});

describe("the built handler", () => {
  it("takes an event as AWS sends it, logs it and publishes the same", async () => {
    await redis.del(names.log);
    const subscriber = redis.duplicate();
    const published: string[] = [];
    subscriber.on("message", (_channel, payload: string) => published.push(payload));
    await subscriber.subscribe(names.live);
    const handler = await loadHandler(env());
    const event: unknown = JSON.parse(
      readFileSync(new URL("../factories/aws-event.json", import.meta.url), "utf8"),
    );

    expect(await handler(event, context)).toEqual({ batchItemFailures: [] });

    const [entry, ...rest] = await redis.xrange(names.log, "-", "+");
    expect(rest).toEqual([]);
    const [id, fields] = entry ?? ["", []];
    expect(parseMessageId(id)?.seq).toBe(1);
    expect(fields[0]).toBe("m");
    expect(decodeMessage(fields[1] ?? "")).toMatchObject({
      kind: "changes",
      message: {
        table: "apps",
        changes: [
          { appId: "acme", app: { enabled: false } },
          { appId: "globex", type: "deleted" },
        ],
      },
    });
    // The answer to a command that came after the publish: whatever was published has arrived.
    await subscriber.ping();
    // Thin: ids and keys, no view (docs/reference/protocol.md).
    expect(published).toEqual([
      expect.stringMatching(
        /^\d+-1 \[1,\d+,\[\["c","acme",\["acme-key"\],\d+\],\["d","globex",\[null,"globex-key"\],\d+\]\]\]$/,
      ),
    ]);
    expect(published[0]?.split(" ")[0]).toBe(id);
    await subscriber.quit();
  });

  it("numbers on without holes, over containers, trimmed logs and a lost script cache", async () => {
    await redis.del(names.log);
    const first = await loadHandler(env());
    const second = await loadHandler({ ...env(), APP_SYNC_LOG_LENGTH: "100" });
    await first({ Records: [insert("a")] }, context);
    await second({ Records: [insert("b")] }, context);
    await redis.script("FLUSH");
    await first({ Records: [insert("c")] }, context);
    await redis.xtrim(names.log, "MAXLEN", 0);
    await second({ Records: [insert("d")] }, context);
    const entries = await redis.xrange(names.log, "-", "+");
    expect(entries.map(([id]) => parseMessageId(id)?.seq)).toEqual([4]);
  });

  it("keeps the log near its length", async () => {
    await redis.del(names.log);
    const handler = await loadHandler({ ...env(), APP_SYNC_LOG_LENGTH: "100" });
    // One message each: 2,000 of them, in batches that are no larger than one message may be.
    for (let i = 0; i < 2_000; i += 1) await handler({ Records: [insert("a")] }, context);
    const length = await redis.xlen(names.log);
    expect(length).toBeGreaterThanOrEqual(100);
    expect(length).toBeLessThan(400);
  });

  it("answers with the failed record while Redis is away, without a secret in the log, and recovers by itself", async () => {
    const own = await startRedis({ args: ["--requirepass", "s3cret-p4ss"] });
    const url = `redis://:s3cret-p4ss@127.0.0.1:${own.port}`;
    // Powertools writes errors to stderr.
    const printed = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, "write").mockImplementation(() => true),
    );
    const handler = await loadHandler({ ...env(), REDIS_URL: url, POWERTOOLS_LOG_LEVEL: "DEBUG" });
    expect(await handler({ Records: [insert("a")] }, context)).toEqual({ batchItemFailures: [] });
    await own.stop();
    const failed = await handler({ Records: [insert("b", { sequenceNumber: "77" })] }, context);
    expect(failed).toEqual({ batchItemFailures: [{ itemIdentifier: "77" }] });
    const again = await startRedis({ port: own.port, args: ["--requirepass", "s3cret-p4ss"] });
    await expect
      .poll(() => handler({ Records: [insert("b")] }, context), { timeout: 60_000 })
      .toEqual({ batchItemFailures: [] });
    await again.stop();
    const log = printed.flatMap((spy) => spy.mock.calls.map(([chunk]) => String(chunk))).join("");
    printed.forEach((spy) => {
      spy.mockRestore();
    });
    expect(log).toContain("publish failed: the batch is retried");
    expect(log).not.toContain("s3cret-p4ss");
    expect(log).not.toContain("b-secret");
  });

  it("does not start on a wrong configuration, and tells every mistake", async () => {
    await expect(
      loadHandler({ REDIS_URL: "redis://127.0.0.1:1", REDIS_TLS: "perhaps", APP_SYNC_LOG_LENGTH: "1" }),
    ).rejects.toThrow(
      /Configuration is wrong, nothing was started:\n {2}- REDIS_TLS: .*\n {2}- APP_SYNC_LOG_LENGTH: /,
    );
  });
});

describe("what is built", () => {
  it("is a handler under 308 KB", () => {
    expect(statSync(new URL("handlers/stream.mjs", dist)).size).toBeLessThan(308 * 1024);
  });

  it("is an agent under 152 KB that needs nothing but Node", () => {
    const file = new URL("agent.cjs", dist);
    expect(statSync(file).size).toBeLessThan(152 * 1024);
    const required = [...readFileSync(file, "utf8").matchAll(/\brequire\("([^"]+)"\)/g)].map(
      (match) => match[1] ?? "",
    );
    expect(required.length).toBeGreaterThan(3);
    const builtin = new Set([...builtinModules, ...builtinModules.map((name) => `node:${name}`)]);
    expect(required.filter((name) => !builtin.has(name))).toEqual([]);
  });
});
