import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { openAppsTable } from "../../../local/apps-table.ts";
import { nodeBinary } from "../../../local/node-binary.ts";
import { startRedis } from "../../../local/redis-server.ts";
import { startProxy, type TcpProxy } from "../../../local/tcp-proxy.ts";
import { decodeCanaryResult } from "../../../src/protocol/canary.ts";
import { appIdsIn, messagesIn } from "../../support/log-messages.ts";
import { busNames } from "../../../src/protocol/names.ts";
import { insert } from "../../factories/stream-event.ts";
import { startMapping } from "../../support/event-source-mapping.ts";
import { startProvidedDynamoDb } from "../../support/provided-dynamodb.ts";
import { packaged, resourcesOf, type Template } from "../../support/serverless.ts";
import type { Report } from "../report.ts";
import { runtimeClient } from "./client.ts";
import { Environment, TimedOutError } from "./environment.ts";

/** The function's own, as serverless.yml has it. Milliseconds. */
const LIMIT_MS = 30_000;
const PREFIX = "{proof}";
const TABLE = "apps";
const names = busNames(PREFIX);
const NOTHING_FAILED = { kind: "response", value: { batchItemFailures: [] } };

/** What the checks have in common: a Redis of their own, behind a proxy, and functions as they are deployed. */
interface Place {
  readonly redis: Redis;
  readonly toRedis: TcpProxy;
  readonly dynamodbEndpoint: string;
  readonly streamArn: string;
  /** Another environment of a function. */
  readonly start: (name: string) => Promise<Environment>;
}

/**
 * The zips that `serverless package` makes, run by AWS's own runtime client under Node 24: begun, frozen and thawed between
 * invocations, and ended at a time-out, as Lambda does it.
 */
export async function proveRuntime(report: Report): Promise<void> {
  console.log("\nThe packaged zips, under AWS's own runtime client and Node 24");
  const say = (line: string) => {
    console.log(`  ${line}`);
  };
  const node = nodeBinary("24", say);
  const client = node && (await runtimeClient(node, say));
  if (!node || !client) {
    report.skip("the packaged zips under AWS's runtime client");
    return;
  }
  const server = await startRedis();
  const toRedis = await startProxy({ host: "127.0.0.1", port: server.port });
  const redis = new Redis(server.url);
  const dynamodb = await startProvidedDynamoDb();
  const parameters = {
    redisUrl: `redis://127.0.0.1:${toRedis.port}`,
    prefix: PREFIX,
    sharedCache: "refresh",
  };
  const { folder, template } = await packaged({ ...parameters, tableName: TABLE });
  const unpacked = await mkdtemp(join(tmpdir(), "soketi-app-sync-zips-"));
  const started: Environment[] = [];
  try {
    const table = await openAppsTable(dynamodb.endpoint, TABLE);
    await table.put({ AppId: { S: "kept" }, AppKey: { S: "kept-key" }, AppSecret: { S: "kept-secret" } });
    const start = async (name: string) => {
      const { handler, variables } = functionOf(template, name);
      const environment = await Environment.start({
        node,
        client,
        handler,
        folder: unzipped(join(folder, `${name}.zip`), join(unpacked, name)),
        variables: { ...variables, APP_MANAGER_DYNAMODB_ENDPOINT: dynamodb.endpoint },
      });
      started.push(environment);
      return environment;
    };
    const { streamArn } = table;
    const place = { redis, toRedis, dynamodbEndpoint: dynamodb.endpoint, streamArn, start };
    await proveStream(report, place);
    await proveOthers(report, place);
    await proveCanary(report, place);
  } finally {
    await Promise.all(started.map((environment) => environment.end()));
    redis.disconnect();
    await toRedis.close();
    await server.stop();
    await dynamodb.stop();
    for (const one of [folder, unpacked]) await rm(one, { recursive: true, force: true });
  }
}

async function proveStream(report: Report, { redis, toRedis, start }: Place): Promise<void> {
  await report.check(
    "stream: a change is published; the environment is frozen and thawed 20 times",
    async () => {
      const stream = await start("stream");
      for (let i = 0; i < 20; i += 1) {
        assert.deepEqual(await stream.invoke({ Records: [insert(`app-${i}`)] }, LIMIT_MS), NOTHING_FAILED);
      }
      assert.deepEqual(
        await published(redis),
        Array.from({ length: 20 }, (_, i) => `app-${i}`),
      );
      assert.match(stream.output, /"cold_start":\s*true|"ColdStart"|records/);
    },
  );

  await report.check(
    "stream: the connection died while it was frozen: the next change is published all the same",
    async () => {
      const stream = await start("stream");
      await stream.invoke({ Records: [insert("before")] }, LIMIT_MS);
      toRedis.freeze();
      toRedis.thaw();
      assert.deepEqual(await stream.invoke({ Records: [insert("after")] }, LIMIT_MS), NOTHING_FAILED);
      assert.equal((await published(redis)).at(-1), "after");
    },
  );

  await report.check(
    "stream: Redis is silent: the batch goes back before the time-out, and is not sent when it thaws",
    async () => {
      const stream = await start("stream");
      await stream.invoke({ Records: [insert("first")] }, LIMIT_MS);
      const before = await published(redis);
      const record = insert("late");
      toRedis.freeze();
      assert.deepEqual(await stream.invoke({ Records: [record] }, 3_000), {
        kind: "response",
        value: { batchItemFailures: [{ itemIdentifier: record.dynamodb.SequenceNumber }] },
      });
      toRedis.thaw();
      assert.deepEqual(await stream.invoke({ Records: [insert("next")] }, LIMIT_MS), NOTHING_FAILED);
      assert.deepEqual(await published(redis), [...before, "next"]);
    },
  );

  await report.check(
    "stream: a cold start runs into its time-out: the next environment publishes the batch, once",
    async () => {
      const before = await published(redis);
      const batch = { Records: [insert("cold")] };
      const starved = await start("stream");
      await assert.rejects(starved.invoke(batch, 1_000, true), TimedOutError);
      const next = await start("stream");
      assert.deepEqual(await next.invoke(batch, LIMIT_MS), NOTHING_FAILED);
      assert.deepEqual(await published(redis), [...before, "cold"]);
    },
  );
}

async function proveOthers(report: Report, { redis, streamArn, start }: Place): Promise<void> {
  await report.check("redrive: a range that is gone from the stream is a flush", async () => {
    const redrive = await start("redrive");
    const former = streamArn.replace(/stream\/.*/, "stream/2020-01-01T00:00:00.000");
    const DDBStreamBatchInfo = {
      shardId: "shardId-00000000000000000000-00000000",
      startSequenceNumber: "000000000000000000001",
      endSequenceNumber: "000000000000000000002",
      batchSize: 1,
      streamArn: former,
    };
    const message = { messageId: "one", body: JSON.stringify({ DDBStreamBatchInfo }), attributes: {} };
    const answer = await redrive.invoke({ Records: [message] }, LIMIT_MS);
    assert.deepEqual(answer, NOTHING_FAILED, redrive.output);
    assert.equal((await published(redis)).at(-1), "flush");
  });

  await report.check("sweep: what lacks in the shared cache is written, frozen and thawed", async () => {
    const sweep = await start("sweep");
    for (let i = 0; i < 3; i += 1) {
      await redis.del("app:kept", "app:kept-key");
      const answer = await sweep.invoke({}, LIMIT_MS);
      assert.equal(answer.kind, "response", JSON.stringify(answer));
    }
    assert.match((await redis.get("app:kept-key")) ?? "", /"kept-secret"/);
  });
}

async function proveCanary(
  report: Report,
  { redis, dynamodbEndpoint, streamArn, start }: Place,
): Promise<void> {
  await report.check("canary: its write is followed through the stream function to the log", async () => {
    const [stream, canary] = await Promise.all([start("stream"), start("canary")]);
    const mapping = startMapping({
      endpoint: dynamodbEndpoint,
      streamArn,
      handler: async (event) => (await stream.invoke(event, LIMIT_MS)).value,
    });
    try {
      const answer = await canary.invoke({}, LIMIT_MS);
      assert.equal(answer.kind, "response", canary.output);
      const result = decodeCanaryResult(await redis.get(names.canary));
      assert.deepEqual(answer.value, result);
      assert.equal(typeof result?.streamMs, "number", canary.output);
      // No soketi runs here.
      assert.equal(result?.expected, 0);
    } finally {
      await mapping.stop();
    }
  });
}

/** Apps in the order of the log; "flush" for a flush. */
async function published(redis: Redis): Promise<string[]> {
  const messages = await messagesIn(redis, names.log);
  return messages.flatMap((decoded) => (decoded.kind === "flush" ? ["flush"] : appIdsIn([decoded])));
}

/** As the template has it: the handler, and those variables that are plain text there. */
function functionOf(template: Template, name: string) {
  const found = resourcesOf(template, "AWS::Lambda::Function").find(({ Properties }) =>
    String(Properties.FunctionName).endsWith(`-${name}`),
  );
  if (!found) throw new Error(`expected a function ${name} in the template, found none`);
  const { Variables } = found.Properties.Environment as { Variables: Record<string, unknown> };
  const plain = Object.entries(Variables).filter(
    (variable): variable is [string, string] => typeof variable[1] === "string",
  );
  return { handler: String(found.Properties.Handler), variables: Object.fromEntries(plain) };
}

function unzipped(zip: string, folder: string): string {
  execFileSync("python3", ["-m", "zipfile", "-e", zip, folder]);
  return folder;
}
