import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { connect } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { startProxy, type TcpProxy } from "../../local/tcp-proxy.ts";
import { eventually, type Fleet, item, startFleet } from "../support/fleet.ts";

const CLIENTS = 2_000;
const APPS = 20;

let fleet: Fleet;
const proxies: TcpProxy[] = [];
const counts: { reads: number; queries: number }[] = [];

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  for (let i = 0; i < APPS; i += 1) await fleet.table.put(item(`app-${i}`));
});

afterAll(async () => {
  await fleet.stop();
  for (const proxy of proxies) await proxy.close();
});

/** A cold node whose requests to DynamoDB are counted on the wire. */
async function countedNode(
  options: { agent?: string } = {},
): Promise<{ node: SoketiNode; count: { reads: number; queries: number } }> {
  const count = { reads: 0, queries: 0 };
  const proxy = await startProxy(
    { host: "127.0.0.1", port: Number(new URL(inject("dynamodbEndpoint")).port) },
    (chunk) => {
      count.reads += chunk.split("DynamoDB_20120810.GetItem").length - 1;
      count.queries += chunk.split("DynamoDB_20120810.Query").length - 1;
    },
  );
  proxies.push(proxy);
  counts.push(count);
  const env = {
    SOKETI_APP_MANAGER_CACHE_ENABLED: "true",
    APP_SYNC_VERIFY_EVERY_MS: "0",
    // A machine so busy that a heartbeat is late reads again what is older than 5 s, rightly; that is not counted here.
    APP_SYNC_DEGRADED_TTL_MS: "600000",
    // Nor are clients that such a machine sends back for a while, since their app could not be read in time.
    APP_SYNC_LOAD_BUDGET_MS: "60000",
  };
  const node = await fleet.node({ dynamodbEndpoint: `http://127.0.0.1:${proxy.port}`, env, ...options });
  return { node, count };
}

async function storm(node: SoketiNode): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => connect({ port: node.port, key: `app-${i % APPS}-key` })),
  );
  for (const client of clients) client.disconnect();
}

it(`${CLIENTS} clients at once cost a cold node one read for each of ${APPS} apps`, async () => {
  const ours = await countedNode();
  // Its first sync flushes: a storm before it would be answered twice.
  await eventually("the lease", async () => (await ours.node.metrics()).lease_held === 1);
  await storm(ours.node);
  // No NODE_OPTIONS: soketi as it comes, with its memory cache.
  const bare = await countedNode({ agent: "" });
  await storm(bare.node);
  console.log(
    `${CLIENTS} clients, ${APPS} apps, a cold node: with the agent ${ours.count.reads} reads and ${ours.count.queries} ` +
      `index queries; soketi with its memory cache ${bare.count.reads} reads and ${bare.count.queries} index queries`,
  );
  expect(ours.count.reads).toBe(APPS);
  expect(ours.count.queries).toBeLessThanOrEqual(APPS);
  expect(bare.count.queries).toBeGreaterThan(APPS);
});
