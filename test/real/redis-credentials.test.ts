import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RedisConnection } from "../../src/redis/library.ts";
import { openPipelineRedis } from "../../src/redis/pipeline-connection.ts";
import { redisCli } from "../../local/redis-cli.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { startRedisSentinel } from "../../local/redis-sentinel.ts";
import { type RedisServer, startRedis } from "../../local/redis-server.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { busNames } from "../../src/protocol/names.ts";
import { insert } from "../factories/stream-event.ts";
import { type FakeSecrets, startSecrets } from "../support/fake-secrets.ts";
import { appIdsIn, messagesIn } from "../support/log-messages.ts";
import { eventually, loadHandler } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();
const context = { getRemainingTimeInMillis: () => 30_000 };
const TIMEOUTS = { connectMs: 1_500, commandMs: 2_000, retriesPerCommand: 1 };

let secrets: FakeSecrets;

beforeAll(async () => {
  secrets = await startSecrets("first");
  for (const [name, value] of Object.entries(secrets.env)) vi.stubEnv(name, value);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await secrets.stop();
});

beforeEach(() => {
  secrets.asked = [];
  secrets.secret = "first";
});

const env = (server: RedisServer, more: Record<string, string>) => ({
  REDIS_URL: server.url,
  APP_SYNC_PREFIX: "{secret}",
  AWS_REGION: "us-east-1",
  ...more,
});

/** Apps that messages name. One may be named twice: a batch whose answer came too late comes again. */
async function published(server: RedisServer, password: string): Promise<Set<string>> {
  const redis = new Redis(server.url, { password });
  const messages = await messagesIn(redis, busNames("{secret}").log);
  redis.disconnect();
  return new Set(appIdsIn(messages));
}

describe("a password that is kept elsewhere", () => {
  it.each([
    ["Secrets Manager", { REDIS_SECRET_ID: "prod/redis" }, 'GetSecretValue {"SecretId":"prod/redis"}'],
    ["SSM", { REDIS_PASSWORD_PARAMETER: "/redis" }, 'GetParameter {"Name":"/redis","WithDecryption":true}'],
  ])("%s: is read once, and again when it was changed", async (_, more, request) => {
    const server = keep(await startRedis({ args: ["--requirepass", "first"] }));
    const handler = await loadHandler(env(server, more));
    expect(await handler({ Records: [insert("a")] }, context)).toEqual({ batchItemFailures: [] });
    expect(await handler({ Records: [insert("b")] }, context)).toEqual({ batchItemFailures: [] });
    expect(secrets.asked).toEqual([request]);

    // Rotated: who is connected stays so; a new connection is refused with the old one.
    const admin = new Redis(server.url, { password: "first" });
    await admin.config("SET", "requirepass", "second");
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    admin.disconnect();
    secrets.secret = "second";
    // As the event source mapping does it.
    let failures = 0;
    await eventually("the batch to be taken", async () => {
      const { batchItemFailures } = await handler({ Records: [insert("c")] }, context);
      failures += batchItemFailures.length;
      return batchItemFailures.length === 0;
    });
    expect(failures).toBeGreaterThan(0);
    expect(secrets.asked).toEqual([request, request]);
    expect(await published(server, "second")).toEqual(new Set(["a", "b", "c"]));
  });

  it.each([
    ["a file, which ends with a line break", (password: string) => `${password}\n`],
    ["a file of Windows, as JSON", (password: string) => JSON.stringify({ password: `${password}\r\n` })],
  ])("may have been made of %s", async (_, wrap) => {
    const server = keep(await startRedis({ args: ["--requirepass", "first"] }));
    secrets.secret = wrap("first");
    const handler = await loadHandler(env(server, { REDIS_SECRET_ID: "prod/redis" }));
    expect(await handler({ Records: [insert("a")] }, context)).toEqual({ batchItemFailures: [] });
  });

  it("may come with its user, as JSON", async () => {
    const server = keep(await startRedis());
    const admin = new Redis(server.url);
    await admin.call("ACL", "SETUSER", "sync", "on", ">pass&word", "~*", "&*", "+@all");
    await admin.call("ACL", "SETUSER", "default", "off");
    admin.disconnect();
    secrets.secret = JSON.stringify({ username: "sync", password: "pass&word" });
    const handler = await loadHandler(env(server, { REDIS_SECRET_ID: "prod/redis" }));
    expect(await handler({ Records: [insert("a")] }, context)).toEqual({ batchItemFailures: [] });
  });

  it.each([
    ["both in the secret", { REDIS_SECRET_ID: "prod/redis" }, { sentinelUsername: "watch" }],
    ["SSM, the user beside it", { REDIS_PASSWORD_PARAMETER: "/r", REDIS_SENTINEL_USERNAME: "watch" }, {}],
  ])("may come with that of the sentinels: %s", async (_, more, user) => {
    const sentinel = keep(await startRedisSentinel());
    const { port: master } = await sentinel.master();
    await redisCli(master, "CONFIG", "SET", "requirepass", "first");
    for (const address of sentinel.sentinels) {
      const port = Number(address.split(":")[1]);
      await redisCli(port, "ACL", "SETUSER", "watch", "on", ">lookout", "+@all");
      await redisCli(port, "ACL", "SETUSER", "default", "off");
    }
    const handler = (password: string) => {
      secrets.secret = JSON.stringify({ password: "first", sentinelPassword: password, ...user });
      return loadHandler({
        REDIS_SENTINELS: sentinel.sentinels.join(),
        REDIS_SENTINEL_NAME: sentinel.name,
        APP_SYNC_PREFIX: "{secret}",
        AWS_REGION: "us-east-1",
        ...more,
      });
    };
    const refused = await (await handler("another"))({ Records: [insert("a")] }, context);
    expect(refused.batchItemFailures).toHaveLength(1);
    const taken = await (await handler("lookout"))({ Records: [insert("a")] }, context);
    expect(taken).toEqual({ batchItemFailures: [] });
  });

  it("that is not there fails the batch and not the function, and is asked for again", async () => {
    const server = keep(await startRedis({ args: ["--requirepass", "first"] }));
    secrets.secret = undefined;
    const handler = await loadHandler(env(server, { REDIS_SECRET_ID: "prod/redis" }));
    expect((await handler({ Records: [insert("a")] }, context)).batchItemFailures).toHaveLength(1);
    secrets.secret = "first";
    expect(await handler({ Records: [insert("a")] }, context)).toEqual({ batchItemFailures: [] });
  });
});

const whoAmI = (connection: RedisConnection) => (connection as Redis).call("ACL", "WHOAMI");

describe("IAM authentication", () => {
  const iam = {
    kind: "iam",
    cacheName: "my-cache",
    serverless: false,
    username: "sync",
    region: "eu-west-1",
  } as const;
  /** Any password will do for it: what matters is which one is sent. */
  const ACL = "ACL SETUSER sync on nopass ~* &* +@all".split(" ") as [string, ...string[]];
  const tokensIn = (sent: string[]) =>
    [...sent.join("").matchAll(/X-Amz-Security-Token=(\w+)&[^\r]*X-Amz-Signature=/g)].map(
      ([, token]) => token,
    );

  it("signs a new token for each connection", async () => {
    const server = keep(await startRedis());
    const admin = new Redis(server.url);
    await admin.call(...ACL);
    admin.disconnect();
    const sent: string[] = [];
    const proxy = await startProxy({ host: "127.0.0.1", port: server.port }, (chunk) => sent.push(chunk));
    keep({ stop: () => proxy.close() });
    const environment = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s", AWS_SESSION_TOKEN: "first" };
    const redis = openPipelineRedis(
      {
        redis: {
          kind: "standalone",
          host: "127.0.0.1",
          port: proxy.port,
          db: 0,
          tls: false,
          username: "sync",
        },
        redisCredentials: iam,
        names: busNames("{iam}"),
        minReplicas: 0,
      },
      TIMEOUTS,
      () => undefined,
      { environment },
    );
    await redis.prepare();
    expect(await whoAmI(redis.connection)).toBe("sync");
    environment.AWS_SESSION_TOKEN = "second";
    proxy.disconnect();
    expect(await whoAmI(redis.connection)).toBe("sync");
    redis.connection.disconnect();
    expect(tokensIn(sent)).toEqual(["first", "second"]);
  });

  it("also to each node of a cluster", async () => {
    const cluster = keep(await startRedisCluster());
    const hosts = cluster.nodes.map((node) => ({ host: "127.0.0.1", port: Number(node.split(":")[1]) }));
    for (const { port } of hosts) {
      const admin = new Redis({ port });
      // Whoever comes without a login, as this user does not, is refused.
      await admin.call(...ACL);
      await admin.call("ACL", "SETUSER", "default", "off");
      admin.disconnect();
    }
    const redis = openPipelineRedis(
      {
        redis: { kind: "cluster", nodes: hosts, tls: false, username: "sync" },
        redisCredentials: iam,
        names: busNames("{iam}"),
        minReplicas: 0,
      },
      TIMEOUTS,
      () => undefined,
      { environment: { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s" } },
    );
    await redis.prepare();
    for (const key of ["a", "b", "c", "d"]) expect(await redis.connection.set(key, "1")).toBe("OK");
    redis.connection.disconnect();
  });
});
