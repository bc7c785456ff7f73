import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { startRedis } from "../../local/redis-server.ts";
import { agentFile } from "../../local/stack.ts";
import { accepts, eventually, item, root, startFleet } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { proveWorking } from "../support/prove-working.ts";

const keep = keeping();
const dynamodbEndpoint = inject("dynamodbEndpoint");

async function readiness(port: number): Promise<{ status: number; retryAfter: string | null }> {
  const response = await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  return { status: response.status, retryAfter: response.headers.get("Retry-After") };
}

describe("APP_SYNC_READY=synced", () => {
  it("has /ready wait for the first lease, and stay when it is lost", async () => {
    const [port, redisPort] = [await freePort(), await freePort()];
    const redisUrl = `redis://127.0.0.1:${redisPort}`;
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl }));
    const started = fleet.node({ port, env: { APP_SYNC_READY: "synced" } });
    await eventually("a node that is not ready", () =>
      readiness(port).then(
        ({ status, retryAfter }) => status === 503 && retryAfter === "1",
        () => false,
      ),
    );
    const redis = keep(await startRedis({ port: redisPort }));
    const node = keep(await started);
    expect((await node.metrics()).lease_held).toBe(1);
    await redis.stop();
    await eventually("the loss of the lease", async () => (await node.metrics()).lease_held === 0);
    expect((await readiness(port)).status).toBe(200);
  });

  it("without it /ready is soketi's own", async () => {
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl: "redis://127.0.0.1:1" }));
    const node = keep(await fleet.node());
    expect((await readiness(node.port)).status).toBe(200);
    expect((await node.metrics()).lease_held).toBe(0);
  });
});

describe("APP_SYNC_REQUIRED=on", () => {
  const required = { APP_SYNC_REQUIRED: "on" };
  const startFleetHere = async () =>
    keep(await startFleet({ dynamodbEndpoint, redisUrl: inject("redisUrl") }));

  it("changes nothing where the agent is attached", async () => {
    const fleet = await startFleetHere();
    await proveWorking(fleet, keep(await fleet.node({ env: required })), "required");
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      "the configuration is wrong",
      { APP_SYNC_LEASE_MS: "abc", APP_SYNC_CACHE: "?" },
      /LEASE_MS.*APP_SYNC_CACHE/,
    ],
    ["its own value is wrong", { APP_SYNC_REQUIRED: "please" }, /APP_SYNC_REQUIRED: expected on or off/],
    ["the apps are elsewhere", { SOKETI_APP_MANAGER_DRIVER: "array" }, /SOKETI_APP_MANAGER_DRIVER=dynamodb/],
  ])("soketi does not start where %s", async (_, env, reason) => {
    const fleet = await startFleetHere();
    const failure = await fleet.node({ env: { ...required, ...env } }).then(
      () => "started",
      (error: unknown) => (error as Error).message,
    );
    expect(failure).toMatch(/ended with exit code 1 before it was ready/);
    const line = /^.*app-sync: APP_SYNC_REQUIRED is on, so soketi does not start without the agent: .*$/m;
    expect(line.exec(failure)?.[0]).toMatch(reason);
  });
});

describe("a machine that was suspended", () => {
  it("has no lease when it wakes, and reads again", async () => {
    const fleet = keep(await startFleet({ dynamodbEndpoint, redisUrl: inject("redisUrl") }));
    const clock = join(root, "test/support/clock-ahead.cjs");
    const env = {
      NODE_OPTIONS: `--require "${clock}" --require "${agentFile}"`,
      // A lease that only the clock can end, and no heartbeat that renews it while the test looks.
      APP_SYNC_LEASE_MS: "60000",
      APP_SYNC_HEARTBEAT_MS: "20000",
      APP_SYNC_VERIFY_EVERY_MS: "0",
    };
    await fleet.table.put(item("a"));
    const node = keep(await fleet.node({ env }));
    await eventually("the lease", async () => (await node.metrics()).lease_held === 1);
    await eventually("the app", () => accepts(node, "a", "a-secret"));
    const before = (await node.metrics()).loads_total ?? 0;
    expect(await accepts(node, "a", "a-secret")).toBe(true);
    expect((await node.metrics()).loads_total).toBe(before);
    node.child.signal("SIGUSR2");
    await eventually("the clock", () =>
      Promise.resolve(node.child.output().includes("the wall clock is ahead")),
    );
    expect((await node.metrics()).lease_held).toBe(0);
    expect(await accepts(node, "a", "a-secret")).toBe(true);
    expect((await node.metrics()).loads_total).toBe(before + 1);
  });
});
