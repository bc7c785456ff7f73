import { randomUUID } from "node:crypto";
import { spawnSync } from "node:child_process";
import type { SQSBatchResponse } from "aws-lambda";
import { Redis } from "ioredis";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { type AppsTable, openAppsTable } from "../../local/apps-table.ts";
import { startRedis } from "../../local/redis-server.ts";
import type { Decoded } from "../../src/protocol/message.ts";
import { busNames } from "../../src/protocol/names.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { item, loadHandler, root } from "../support/fleet.ts";
import { changesIn, messagesIn } from "../support/log-messages.ts";
import { keeping } from "../support/keeping.ts";
import { recordsOf, type StreamRange } from "../support/stream-range.ts";
import { startTableProxy } from "../support/table-proxy.ts";

const keep = keeping();

type Redrive = (event: unknown, context: unknown) => Promise<SQSBatchResponse>;

let table: AppsTable;
let range: StreamRange;
let prefix: string;

/** Apps 0 to 9, then 3 changed: eleven records in one shard. */
beforeAll(async () => {
  table = await openAppsTable(inject("dynamodbEndpoint"), `redrive-${randomUUID().slice(0, 8)}`);
  for (let i = 0; i < 10; i += 1) await table.put(item(`app-${i}`));
  await table.update("app-3", { Enabled: { BOOL: false } });
  range = await recordsOf(inject("dynamodbEndpoint"), table.streamArn, 11);
  prefix = `{${table.name}}`;
});

const environment = (redisUrl: string) => ({
  REDIS_URL: redisUrl,
  APP_SYNC_PREFIX: prefix,
  APP_MANAGER_DYNAMODB_TABLE: table.name,
  APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
  AWS_REGION: "us-east-1",
});

/** As Lambda writes it, of which only the range counts. */
function failure(from: number, to: number, streamArn = table.streamArn, shardId = range.shardId) {
  return JSON.stringify({
    requestContext: {
      requestId: "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
      functionArn: "arn:aws:lambda:us-east-1:123456789012:function:soketi-app-sync-dev-stream:$LATEST",
      condition: "RetryAttemptsExhausted",
      approximateInvokeCount: 1,
    },
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    version: "1.0",
    timestamp: "2026-01-01T00:13:49.717Z",
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: range.numbers[from],
      endSequenceNumber: range.numbers[to],
      approximateArrivalOfFirstRecord: "2026-01-01T00:13:19Z",
      approximateArrivalOfLastRecord: "2026-01-01T00:13:19Z",
      batchSize: to - from + 1,
      streamArn,
    },
  });
}

const invoke = (handler: Redrive, ...bodies: string[]) =>
  handler(
    { Records: bodies.map((body, i) => ({ messageId: `m${i}`, body })) },
    { getRemainingTimeInMillis: () => 30_000 },
  );

/** What the log got since it was asked last. */
async function published(redis: Redis): Promise<Decoded[]> {
  const messages = await messagesIn(redis, busNames(prefix).log);
  await redis.del(busNames(prefix).log);
  return messages;
}

const flushesIn = (messages: Decoded[]) =>
  messages.flatMap((decoded) => (decoded.kind === "flush" ? [decoded.message.flush] : []));

function openRedis(url: string): Redis {
  const redis = new Redis(url);
  keep({
    stop: () => {
      redis.disconnect();
      return Promise.resolve();
    },
  });
  return redis;
}

describe("redrive", () => {
  it("publishes the changes of the failed range and no others, and claims nothing about how the apps are now", async () => {
    const redis = openRedis(inject("redisUrl"));
    const handler = await loadHandler<Redrive>(environment(inject("redisUrl")), "redrive");
    expect(await invoke(handler, failure(2, 5), failure(8, 10))).toEqual({ batchItemFailures: [] });
    const changes = changesIn(await published(redis));
    expect(changes.map(({ appId }) => appId)).toEqual([
      "app-2",
      "app-3",
      "app-4",
      "app-5",
      "app-8",
      "app-9",
      "app-3",
    ]);
    for (const change of changes) {
      expect(change).toMatchObject({ type: "updated", keys: [`${change.appId}-key`] });
      expect(change).not.toMatchObject({ app: expect.anything() as unknown });
    }
  });

  it("flushes when the stream does not have the range any more", async () => {
    const redis = openRedis(inject("redisUrl"));
    const handler = await loadHandler<Redrive>(environment(inject("redisUrl")), "redrive");
    const former = table.streamArn.replace(/stream\/.*/, "stream/2020-01-01T00:00:00.000");
    const gone = [
      failure(0, 1, former),
      failure(0, 1, table.streamArn, "shardId-00000000000000000000-00000000"),
    ];
    expect(await invoke(handler, ...gone)).toEqual({ batchItemFailures: [] });
    expect(flushesIn(await published(redis))).toEqual([
      expect.stringMatching(/^stream records are lost: .* no longer exists$/),
    ]);
  });

  it("flushes once for all that was lost before it, over invocations too, and again for what was lost since", async () => {
    const redis = openRedis(inject("redisUrl"));
    const handler = await loadHandler<Redrive>(environment(inject("redisUrl")), "redrive");
    const gone = failure(0, 1, table.streamArn.replace(/stream\/.*/, "stream/2020-01-01T00:00:00.000"));
    const sent = async (sentAt: number) => {
      const message = { messageId: "m", body: gone, attributes: { SentTimestamp: String(sentAt) } };
      const event = { Records: [message, { ...message, messageId: "n" }] };
      await handler(event, { getRemainingTimeInMillis: () => 30_000 });
      return flushesIn(await published(redis)).length;
    };
    const now = Date.now();
    expect(await sent(now - 86_400_000)).toBe(1);
    expect(await sent(now - 3_600_000)).toBe(0);
    expect(await sent(now - 10_000)).toBe(0);
    // It may have been given up after the nodes have read: a message as young as this one.
    expect(await sent(Date.now())).toBe(1);
  });

  it("flushes for a message that names no range, and goes on with the others", async () => {
    const redis = openRedis(inject("redisUrl"));
    const handler = await loadHandler<Redrive>(environment(inject("redisUrl")), "redrive");
    expect(await invoke(handler, "not JSON", "{}", failure(0, 0))).toEqual({ batchItemFailures: [] });
    const messages = await published(redis);
    expect(flushesIn(messages)).toHaveLength(1);
    expect(changesIn(messages)).toHaveLength(1);
  });

  it("leaves the message in the queue while Redis is away, and for another table's stream", async () => {
    const server = keep(await startRedis());
    const handler = await loadHandler<Redrive>(environment(server.url), "redrive");
    const foreign = failure(0, 1, table.streamArn.replace(table.name, "another"));
    expect(await invoke(handler, failure(0, 1), foreign)).toEqual({
      batchItemFailures: [{ itemIdentifier: "m1" }],
    });
    await server.stop();
    expect(await invoke(handler, failure(0, 1), "not JSON")).toEqual({
      batchItemFailures: [{ itemIdentifier: "m0" }, { itemIdentifier: "m1" }],
    });
  });

  it("keeps sockudo's apps in the shared cache until the table is read, and while it cannot be", async () => {
    const redis = openRedis(inject("redisUrl"));
    const proxy = keep(await startTableProxy(inject("dynamodbEndpoint")));
    const cachePrefix = `redrive-${randomUUID().slice(0, 8)}`;
    const env = {
      ...environment(inject("redisUrl")),
      APP_MANAGER_DYNAMODB_ENDPOINT: proxy.url,
      SHARED_CACHE: "refresh",
      SHARED_CACHE_FORMAT: "sockudo",
      SOCKUDO_CACHE_PREFIX: cachePrefix,
    };
    const names = Array.from({ length: 10 }, (_, i) => [`id:app-${i}`, `key:app-${i}-key`]).flat();
    const entries = () => redis.mget(names.map((name) => `${cachePrefix}:app:${name}`));
    const sweep = await loadHandler(env, "sweep");
    await sweep({}, { getRemainingTimeInMillis: () => 30_000 });
    const swept = await entries();
    expect(swept).not.toContain(null);

    const seen: unknown[] = [];
    proxy.beforeRead = async () => seen.push(await entries());
    const handler = await loadHandler<Redrive>(env, "redrive");
    proxy.isFailing = true;
    expect(await invoke(handler, failure(0, 10))).toEqual({ batchItemFailures: [{ itemIdentifier: "m0" }] });
    expect(await entries()).toEqual(swept);
    proxy.isFailing = false;
    expect(await invoke(handler, failure(0, 10))).toEqual({ batchItemFailures: [] });
    expect(await entries()).toEqual(swept);
    expect(seen.length).toBeGreaterThan(2);
    for (const then of seen) expect(then).toEqual(swept);
    await published(redis);
  });

  it("is a command as well", async () => {
    const redis = openRedis(inject("redisUrl"));
    const cli = (...args: string[]) =>
      spawnSync(process.execPath, ["dist/cli.mjs", "redrive", ...args], {
        cwd: root,
        encoding: "utf8",
        env: { ...process.env, ...environment(inject("redisUrl")) },
      });
    const [from = "", to = ""] = [range.numbers[0], range.numbers[10]];
    const done = cli("--shard", range.shardId, "--from", from, "--to", to);
    expect(done).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("11 records published again") as string,
    });
    expect(changesIn(await published(redis)).map(({ appId }) => appId)).toContain("app-9");

    const lost = cli("--shard", "shardId-00000000000000000000-00000000", "--from", from, "--to", to);
    expect(lost).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("records are lost, so a flush was published") as string,
    });
    expect(flushesIn(await published(redis))).toHaveLength(1);
    // A flush is for nodes: what else they share is as it was.
    const args = ["--shard", "shardId-00000000000000000000-00000000", "--from", from, "--to", to];
    const shared = spawnSync(process.execPath, ["dist/cli.mjs", "redrive", ...args], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, ...environment(inject("redisUrl")), SHARED_CACHE: "refresh" },
    });
    expect(shared).toMatchObject({
      status: 2,
      stdout: expect.stringContaining(
        "the shared cache may differ from the table: soketi-app-sync sweep repairs it",
      ) as string,
    });
    expect(flushesIn(await published(redis))).toHaveLength(1);
    const swapped = cli("--shard", range.shardId, "--from", to, "--to", from);
    expect(swapped).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`--from: expected a number up to that of --to (${from})`) as string,
    });
    expect(await published(redis)).toEqual([]);
    expect(cli("--shard", range.shardId, "--from", "x", "--to", to)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("Expected a sequence number") as string,
    });
  });

  it("as a command says which apps a full Redis has no room for, and does not end well", async () => {
    const server = keep(await startRedis());
    const redis = openRedis(server.url);
    const log = createRedisLog(redis, busNames(prefix), { logLength: 100_000, logBytes: 2 ** 25 });
    await log.append(Array.from({ length: 64 }, () => ({ whole: "x".repeat(50_000), live: "thin" })));
    const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
    // More than half of the log has to go: the apps get one half, and the message another half of what is left.
    await redis.config("SET", "maxmemory", String(used - 2_100_000));
    const [from = "", to = ""] = [range.numbers[0], range.numbers[10]];
    const args = ["dist/cli.mjs", "redrive", "--shard", range.shardId, "--from", from, "--to", to];
    const env = { ...environment(server.url), SHARED_CACHE: "refresh", SHARED_CACHE_FORMAT: "sockudo" };
    const run = () =>
      spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", env: { ...process.env, ...env } });
    const { status, stdout } = run();
    expect(stdout).toMatch(
      /^10 apps may be wrong in the shared cache until a sweep: expected Redis to have room/m,
    );
    expect(stdout).toContain("11 records published again");
    expect(status).toBe(2);
    await redis.config("SET", "maxmemory", "0");
    expect(run()).toMatchObject({ status: 0, stdout: expect.not.stringContaining("apps") as string });
  });
});
