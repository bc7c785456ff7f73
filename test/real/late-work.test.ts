import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { redisCli } from "../../local/redis-cli.ts";
import { startRedis } from "../../local/redis-server.ts";
import { startProxy } from "../../local/tcp-proxy.ts";
import { createContainer } from "../chaos/pipeline/function-container.ts";
import { insert } from "../factories/stream-event.ts";
import { loadHandler } from "../support/fleet.ts";
import { appIdsIn, messagesIn } from "../support/log-messages.ts";
import { keeping } from "../support/keeping.ts";

const keep = keeping();

const within = (ms: number) => {
  const until = performance.now() + ms;
  return { getRemainingTimeInMillis: () => until - performance.now() };
};
const batchOf = (id: string) => ({ Records: [insert(id)] });
const TAKEN = { batchItemFailures: [] };
const FAILED = { batchItemFailures: [{ itemIdentifier: expect.any(String) as string }] };
const env = (redis: Record<string, string>) => ({
  ...redis,
  APP_SYNC_PREFIX: "{late}",
  APP_MANAGER_DYNAMODB_TABLE: "apps",
});

/** The apps that messages of the log name, in order. */
async function told(port: number): Promise<string[]> {
  const redis = new Redis(port, "127.0.0.1");
  try {
    return appIdsIn(await messagesIn(redis, "{late}:v1:log"));
  } finally {
    redis.disconnect();
  }
}

async function behindProxy() {
  const server = keep(await startRedis());
  const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
  keep({ stop: () => proxy.close() });
  return { server, proxy, redis: { REDIS_URL: `redis://127.0.0.1:${proxy.port}` } };
}

describe("a batch that was reported as failed is not published any more", () => {
  it.each([
    ["refuses connections", 10_000],
    ["is silent", 10_000],
    ["is silent until the function's time-out", 1_000],
  ])("when Redis %s, and comes back", async (how, timeoutMs) => {
    const { server, proxy, redis } = await behindProxy();
    const handler = await loadHandler(env(redis));
    expect(await handler(batchOf("before"), within(30_000))).toEqual(TAKEN);

    proxy.refuse(how.startsWith("refuses"));
    if (how.startsWith("refuses")) proxy.disconnect();
    else proxy.freeze();
    for (const id of ["failed-1", "failed-2", "failed-3"])
      expect(await handler(batchOf(id), within(timeoutMs))).toEqual(FAILED);
    proxy.refuse(false);
    proxy.thaw();

    expect(await handler(batchOf("after"), within(30_000))).toEqual(TAKEN);
    expect(await told(server.port)).toEqual(["before", "after"]);
  });

  it("when a Cluster is away, and comes back: and that is known long before the function's time-out", async () => {
    const port = await freePort();
    const busPort = String(await freePort());
    const handler = await loadHandler(env({ REDIS_CLUSTER_NODES: `127.0.0.1:${port}` }));
    const started = performance.now();
    for (const id of ["failed-1", "failed-2"])
      expect(await handler(batchOf(id), within(30_000))).toEqual(FAILED);
    expect(performance.now() - started).toBeLessThan(20_000);

    keep(
      await startRedis({
        port,
        args: ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-port", busPort],
      }),
    );
    await redisCli(port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    // Its own state follows its slots a little later.
    while (!(await redisCli(port, "CLUSTER", "INFO")).includes("cluster_state:ok")) await pause(20);
    expect(await handler(batchOf("after"), within(30_000))).toEqual(TAKEN);
    expect(await told(port)).toEqual(["after"]);
  });

  it("when the function was frozen over its deadline, while it logged in", async () => {
    const { server, proxy, redis } = await behindProxy();
    const container = createContainer(env(redis));
    keep({
      stop: () => {
        container.stop();
        return Promise.resolve();
      },
    });
    // What the server says to a login comes late: the batch waits for it.
    proxy.slow(() => 100);
    expect(await container.handler(batchOf("before"), within(30_000))).toEqual(TAKEN);
    proxy.disconnect();
    const answer = container.handler(batchOf("failed"), within(2_000));
    await pause(300);
    container.signal("SIGSTOP");
    await pause(2_000);
    // Meanwhile another container has taken the batch that came again, and a newer one.
    const other = await loadHandler(env({ REDIS_URL: server.url }));
    expect(await other(batchOf("newer"), within(10_000))).toEqual(TAKEN);
    container.signal("SIGCONT");
    expect(await answer).toEqual(FAILED);

    proxy.slow(() => 0);
    expect(await container.handler(batchOf("after"), within(10_000))).toEqual(TAKEN);
    expect(await told(server.port)).toEqual(["before", "newer", "after"]);
  });
});
