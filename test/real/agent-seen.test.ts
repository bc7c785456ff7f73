import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startRedis, type RedisServer } from "../../src/local/redis-server.ts";
import { busNames, nodeEntry } from "../../src/protocol/names.ts";
import { accepts, eventually, type Fleet, item, startFleet } from "../support/fleet.ts";

let server: RedisServer;
let redis: Redis;
let fleet: Fleet;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: server.url });
});

afterAll(async () => {
  await fleet.stop();
  await redis.quit();
  await server.stop();
});

describe("an agent seen from outside", () => {
  it("has an entry in the registry that expires, and that tells who and how it is", async () => {
    const node = await fleet.node();
    const names = busNames(fleet.prefix);
    await fleet.table.put(item("a"));
    const read = async () => {
      const [id = ""] = await redis.zrange(names.nodes, "0", "-1");
      return JSON.parse((await redis.get(nodeEntry(names, id))) ?? "{}") as Record<string, unknown>;
    };
    await eventually("the entry to show the app", async () => {
      // Asked each time: the log's first message may still be on its way, and flushes.
      await accepts(node, "a", "a-secret");
      const { entries, cursor } = await read();
      return entries === 1 && cursor !== "";
    });
    expect(await read()).toMatchObject({
      soketi: "1.6.1",
      agent: "0.1.0",
      cursor: expect.stringMatching(/^\d+-1$/) as string,
    });
    const [id = ""] = await redis.zrange(names.nodes, "0", "-1");
    expect(await redis.pttl(nodeEntry(names, id))).toBeGreaterThan(25_000);
    // An entry whose time is over goes with the next heartbeat of any node.
    await redis.zadd(names.nodes, 1, "long-gone");
    await eventually(
      "the old entry to go",
      async () => (await redis.zscore(names.nodes, "long-gone")) === null,
    );
  });

  it("finds by itself what no message told of: the verifier drops it, and connections follow", async () => {
    const node = await fleet.node();
    await fleet.table.put(item("silent"));
    await eventually("its message", async () => (await node.metrics()).cursor === 2);
    await eventually("the app", () => accepts(node, "silent", "silent-secret"));
    await fleet.source.stop();
    await fleet.table.update("silent", { AppSecret: { S: "silent-secret-2" } });
    await eventually("the new secret", () => accepts(node, "silent", "silent-secret-2"));
    const metrics = await node.metrics();
    expect(metrics.verified_total).toBeGreaterThan(0);
    // Not yet stale: a message may still explain it.
    expect(metrics.stale_found_total).toBe(0);
  });
});
