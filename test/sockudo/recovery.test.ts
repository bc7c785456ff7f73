import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, inject, it } from "vitest";
import { localDynamoDb } from "../../local/apps-table.ts";
import { connect } from "../../local/pusher-client.ts";
import { startRedisSentinel } from "../../local/redis-sentinel.ts";
import { startRedis } from "../../local/redis-server.ts";
import { eventually, item } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { cli } from "../support/cli.ts";
import { recordsOf } from "../support/stream-range.ts";
import { startTableProxy } from "../support/table-proxy.ts";
import { outcomeAt, startSockudoFleet, statusAt, takes } from "./fleet.ts";

const keep = keeping();
const APPS = 10_000;
const ITEMS_AT_ONCE = 25;

it("a Redis that comes back empty is filled by the sweep; meanwhile nobody gets in, and open connections stay", async () => {
  const first = await startRedis();
  const { fleet, node: start, sweep, ...rest } = keep(await startSockudoFleet({ redisUrl: first.url }));
  rest.redis.on("error", () => undefined);
  const node = await start();
  await fleet.table.put(item("a", { MaxConnections: { N: "5" } }));
  await eventually("the app", async () => (await outcomeAt(node, "a-key")) === "connected");
  // The entry is written before the message: a batch that Redis' end met in between would come again.
  await eventually("the end of its batch", () => Promise.resolve(fleet.source.delivered === 1));
  const open = await connect({ port: node.port, key: "a-key" });
  await fleet.source.stop();

  await first.stop();
  await eventually("the refusal", async () => (await outcomeAt(node, "a-key")) === "refused");
  const second = keep(await startRedis({ port: first.port }));
  expect(second.url).toBe(first.url);
  // Empty, and no record comes: that it is filled again, and by whom, the sweep says.
  await eventually("the refusal by an empty one", async () => (await outcomeAt(node, "a-key")) === "refused");
  expect(await sweep()).toMatchObject({ apps: 1, repaired: 1 });
  await eventually("the app again", async () => (await outcomeAt(node, "a-key")) === "connected");
  expect(await takes(node, "a", "a-secret")).toBe(true);
  expect(await sweep()).toMatchObject({ apps: 1, entries: 2, repaired: 0, removed: 0 });
  // Nothing of it was noticed there.
  await open.subscribe("news");
  open.disconnect();
});

it("a redrive keeps apps in force while the table cannot be read, and afterwards has what it says", async () => {
  const { fleet, node: start, env } = keep(await startSockudoFleet());
  const proxy = keep(await startTableProxy(inject("dynamodbEndpoint")));
  const node = await start();
  await fleet.table.put(item("a"));
  await eventually("the app", async () => (await statusAt(node, "a")) === 200);
  const { shardId, numbers } = await recordsOf(inject("dynamodbEndpoint"), fleet.table.streamArn, 1);
  const [number = ""] = numbers;
  const redrive = () =>
    cli(["redrive", "--shard", shardId, "--from", number, "--to", number], {
      env: { ...env, APP_SYNC_PREFIX: fleet.prefix, APP_MANAGER_DYNAMODB_ENDPOINT: proxy.url },
    });

  const statuses: number[] = [];
  const done = new AbortController();
  const asking = (async () => {
    while (!done.signal.aborted) statuses.push(await statusAt(node, "a"));
  })();
  proxy.isFailing = true;
  // Longer than a node holds an app, which is a second.
  for (const end = performance.now() + 3_000; performance.now() < end;)
    expect(await redrive()).toMatchObject({ status: 1 });
  proxy.isFailing = false;
  expect(await redrive()).toMatchObject({ status: 0 });
  done.abort();
  await asking;
  expect(new Set(statuses)).toEqual(new Set([200]));

  // The record says that there is such an app; the table does not, and the function was not told.
  await fleet.source.stop();
  await fleet.table.delete("a");
  expect(await redrive()).toMatchObject({ status: 0 });
  await eventually("its end", async () => (await statusAt(node, "a")) === 404);
});

it(`${APPS} apps: a sweep writes them all, each is found, and the next change is in force`, async () => {
  const { fleet, node: start, sweep } = keep(await startSockudoFleet());
  const node = await start();
  const client = localDynamoDb(inject("dynamodbEndpoint"));
  const ids = Array.from({ length: APPS }, (_, i) => `many-${i}`);
  for (let from = 0; from < APPS; from += ITEMS_AT_ONCE) {
    const requests = ids.slice(from, from + ITEMS_AT_ONCE).map((id) => ({ PutRequest: { Item: item(id) } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [fleet.table.name]: requests } }));
  }
  client.destroy();
  expect(await sweep()).toMatchObject({ apps: APPS });
  expect(await sweep()).toMatchObject({
    apps: APPS,
    entries: 2 * APPS,
    repaired: 0,
    removed: 0,
    unsettled: 0,
  });
  for (let i = 0; i < APPS; i += 97) expect(await takes(node, `many-${i}`, `many-${i}-secret`)).toBe(true);
  await fleet.table.update("many-5000", { AppSecret: { S: "new" } });
  await eventually("the new secret", () => takes(node, "many-5000", "new"));
  await fleet.table.delete("many-9999");
  await eventually("the end of an app", async () => (await outcomeAt(node, "many-9999-key")) === "refused");
});

it("behind sentinels a node and the function follow a failover, and what was lost in it is swept", async () => {
  const redis = keep(await startRedisSentinel());
  const { name, sentinels } = redis;
  const hosts = sentinels.map((address) => new URL(`redis://${address}`));
  const {
    fleet,
    node: start,
    sweep,
  } = keep(
    await startSockudoFleet({
      sentinels: {
        env: { REDIS_SENTINELS: sentinels.join(","), REDIS_SENTINEL_NAME: name },
        database: {
          sentinels: hosts.map(({ hostname, port }) => ({ host: hostname, port: Number(port) })),
          name,
        },
      },
    }),
  );
  const node = await start();
  await fleet.table.put(item("a"));
  await eventually("the app", async () => (await outcomeAt(node, "a-key")) === "connected");
  keep(await redis.failover());
  await fleet.table.update("a", { AppSecret: { S: "new" } });
  await eventually("the new secret", () => takes(node, "a", "new"), 120_000);
  expect(await sweep()).toMatchObject({ apps: 1, unsettled: 0 });
  expect(await sweep()).toMatchObject({ apps: 1, entries: 2, repaired: 0 });
  expect(await takes(node, "a", "new")).toBe(true);
});
