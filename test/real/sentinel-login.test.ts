import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { type AppsTable, openAppsTable } from "../../local/apps-table.ts";
import { redisCli } from "../../local/redis-cli.ts";
import { type RedisSentinel, startRedisSentinel } from "../../local/redis-sentinel.ts";
import { startRelay } from "../../local/relay.ts";
import { openPipelineRedis } from "../../src/redis/pipeline-connection.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { busNames } from "../../src/protocol/names.ts";
import { insert } from "../factories/stream-event.ts";
import { CACHE_LEFT, cli } from "../support/cli.ts";
import { messagesIn } from "../support/log-messages.ts";
import { type FakeSecrets, startSecrets } from "../support/fake-secrets.ts";
import { eventually, item, loadHandler } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { isNow } from "../support/relay.ts";
import { terminate } from "../support/terminate.ts";

const keep = keeping();
const context = { getRemainingTimeInMillis: () => 30_000 };
const dynamodbEndpoint = inject("dynamodbEndpoint");
const PASSWORD = "of-the-primary";
const LOOKOUT = "of-the-sentinels";

let sentinel: RedisSentinel;
let secrets: FakeSecrets;
let table: AppsTable;
let redis: Redis;
let env: Record<string, string>;

/** The user that the sentinels have, and no other. */
async function setLookout(password: string): Promise<void> {
  for (const address of sentinel.sentinels) {
    const port = Number(address.split(":")[1]);
    await redisCli(port, "--user", "lookout", "--pass", LOOKOUT, "ACL", "SETUSER", "lookout", "resetpass", "on", `>${password}`, "+@all"); // prettier-ignore
  }
}

beforeAll(async () => {
  sentinel = await startRedisSentinel();
  const { port, url } = await sentinel.master();
  await redisCli(port, "CONFIG", "SET", "requirepass", PASSWORD);
  redis = new Redis(url, { password: PASSWORD });
  for (const address of sentinel.sentinels) {
    const watcher = Number(address.split(":")[1]);
    await redisCli(watcher, "ACL", "SETUSER", "lookout", "on", `>${LOOKOUT}`, "+@all");
    await redisCli(watcher, "ACL", "SETUSER", "default", "off");
  }
  secrets = await startSecrets("");
  table = await openAppsTable(dynamodbEndpoint, `sentinel-login-${randomUUID().slice(0, 8)}`);
  await table.put(item("a"));
});

afterAll(async () => {
  redis.disconnect();
  await secrets.stop();
  await sentinel.stop();
});

beforeEach(() => {
  secrets.secret = JSON.stringify({
    password: PASSWORD,
    sentinelUsername: "lookout",
    sentinelPassword: LOOKOUT,
  });
  env = {
    // The others are those that it knows.
    REDIS_SENTINELS: sentinel.sentinels[0] ?? "",
    REDIS_SENTINEL_NAME: sentinel.name,
    REDIS_SECRET_ID: "prod/redis",
    APP_SYNC_PREFIX: `{login-${randomUUID()}}`,
    APP_MANAGER_DYNAMODB_TABLE: table.name,
    APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
    AWS_REGION: "us-east-1",
    SHARED_CACHE: "refresh",
  };
  for (const [name, value] of Object.entries(secrets.env)) vi.stubEnv(name, value);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

async function told(): Promise<unknown[]> {
  const messages = await messagesIn(redis, busNames(env.APP_SYNC_PREFIX ?? "").log);
  return messages.flatMap((decoded): unknown[] => {
    if (decoded.kind === "changes") return decoded.message.changes.map(({ appId }) => appId);
    return decoded.kind === "flush" ? ["flush"] : ["?"];
  });
}

type Invoke = (event: unknown, context: unknown) => Promise<unknown>;

describe("with the sentinels' login in the secret and no password in the environment", () => {
  it("the function appends, and the majority is asked", async () => {
    const handler = await loadHandler(env);
    expect(await handler({ Records: [insert("a")] }, context)).toEqual({ batchItemFailures: [] });
    expect(await told()).toEqual(["a"]);
  });

  it("the redrive appends", async () => {
    const handler = await loadHandler<Invoke>(env, "redrive");
    const outcome = await handler({ Records: [{ messageId: "m", body: "{}" }] }, context);
    expect(outcome).toEqual({ batchItemFailures: [] });
    expect(await told()).toEqual(["flush"]);
  });

  it("the sweep repairs", async () => {
    const handler = await loadHandler<Invoke>(env, "sweep");
    await redis.set("app:of-nobody", JSON.stringify({ id: "of-nobody", key: "k", secret: "s" }));
    await handler({}, context);
    expect(await redis.get("app:of-nobody")).toBeNull();
  });

  it("the canary measures", async () => {
    const handler = await loadHandler<Invoke>(env, "canary");
    expect(await handler({}, { getRemainingTimeInMillis: () => 5_500 })).toMatchObject({ expected: 0 });
    expect(await redis.get(busNames(env.APP_SYNC_PREFIX ?? "").canary)).not.toBeNull();
  });

  it("a relay becomes active, publishes and ends", async () => {
    const relay = keep(
      await startRelay({ dynamodbEndpoint, table: table.name, env: { ...env, ...secrets.env } }),
    );
    await eventually("it to be active", () => isNow(relay, "active"), 20_000);
    await table.update("a", { Enabled: { BOOL: true } });
    await eventually("its message", async () => (await told()).includes("a"), 20_000);
    await terminate(relay);
  });

  it("the command line asks, publishes and listens", async () => {
    const given = { env: { ...env, ...secrets.env } };
    const flushed = await cli(["flush", "--no-wait"], given);
    expect(flushed.stderr).toBe(CACHE_LEFT);
    expect(await told()).toEqual(["flush"]);
    expect((await cli(["nodes", "--json"], given)).stderr).not.toMatch(/NOAUTH|WRONGPASS|could not/i);
    const { stdout } = await cli(["doctor"], given);
    expect(stdout).toContain("found by Sentinel");
    expect(stdout).toMatch(/majority/);
    expect(stdout).not.toMatch(/NOAUTH|WRONGPASS|✗ redis/);
    const tail = await cli(["tail", "--since", "all", "--no-follow"], given);
    expect(tail.stdout).toContain("flush");
  });
});

it("the sentinels' password is read again when they refuse it, while the primary's connection goes on", async () => {
  const names = busNames(env.APP_SYNC_PREFIX ?? "");
  const [host = "", port = ""] = (sentinel.sentinels[0] ?? "").split(":");
  const config = {
    redis: {
      kind: "sentinel",
      name: sentinel.name,
      sentinels: [{ host, port: Number(port) }],
      db: 0,
      tls: false,
    },
    redisCredentials: { kind: "secret", id: "prod/redis" },
    names,
    table: "apps",
    logLength: 100,
    minReplicas: 0,
    logBytes: 2 ** 20,
  } as const;
  const timeouts = { connectMs: 1_500, commandMs: 2_000, retriesPerCommand: 1 };
  const environment = { AWS_REGION: "us-east-1" };
  const pipeline = openPipelineRedis(config, timeouts, () => undefined, { environment });
  const { connection, witnesses } = pipeline;
  const log = createRedisLog(connection, names, config, witnesses.of(connection));
  const append = async () => {
    await pipeline.prepare();
    await log.append([{ whole: '{"v":1,"flush":"test"}', live: '{"v":1,"flush":"test"}' }]);
  };
  await append();

  await setLookout("another");
  secrets.secret = JSON.stringify({
    password: PASSWORD,
    sentinelUsername: "lookout",
    sentinelPassword: "another",
  });
  for (const address of sentinel.sentinels) {
    const watcher = Number(address.split(":")[1]);
    await redisCli(watcher, "--user", "lookout", "--pass", "another", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"); // prettier-ignore
  }
  await eventually(
    "an append to count again",
    () =>
      append().then(
        () => true,
        () => false,
      ),
    20_000,
  );
  connection.disconnect();
  witnesses.close();
});
