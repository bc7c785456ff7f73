import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startRedis, type RedisServer } from "../../local/redis-server.ts";
import { createFleet } from "../../src/redis/fleet.ts";
import { formatMessageId } from "../../src/protocol/message-id.ts";
import type { RegisteredNode } from "../../src/protocol/node.ts";
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

// One story: each counts the messages of those before.
describe("an agent seen from outside", { shuffle: false }, () => {
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
    // One whose time is over goes with the next heartbeat of any node.
    expect(await redis.pttl(nodeEntry(names, id))).toBeGreaterThan(86_300_000);
    await redis.zadd(names.nodes, 1, "long-gone");
    await eventually(
      "the old entry to go",
      async () => (await redis.zscore(names.nodes, "long-gone")) === null,
    );
  });

  it("answers a question with what it holds of an app, its last messages, and no secret", async () => {
    const node = await fleet.node();
    const view = createFleet(redis, busNames(fleet.prefix));
    await fleet.table.put(item("asked", { MaxConnections: { N: "7" } }));
    let nodes: RegisteredNode[] = [];
    let tail = "";
    await eventually("every node to have its message, and one the app", async () => {
      // Asked each time: its message may still be on its way, and drops it.
      await accepts(node, "asked", "asked-secret");
      tail = formatMessageId((await view.tail()) ?? { epoch: 0, seq: 0 });
      nodes = await view.ask({ appId: "asked" });
      return (
        tail.endsWith("-2") &&
        nodes.length === 2 &&
        nodes.every(({ answer }) => answer?.cursor === tail) &&
        nodes.some(({ answer }) => answer?.holds)
      );
    });
    const holding = nodes.filter(({ answer }) => answer?.holds);
    expect(holding).toHaveLength(1);
    expect(holding[0]?.answer).toMatchObject({
      soketi: "1.6.1",
      state: "following",
      holds: { proven: true, app: { id: "asked", key: "asked-key", limits: { maxConnections: 7 } } },
    });
    expect(holding[0]?.answer?.recent.at(-1)?.[0]).toBe(tail);
    expect(JSON.stringify(nodes)).not.toContain("asked-secret");
    expect((await view.ask({ appId: "nobody" })).map(({ answer }) => answer?.holds)).toEqual([null, null]);
  });

  it("is out of the registry as soon as it has ended", async () => {
    const node = await fleet.node();
    const { nodes } = busNames(fleet.prefix);
    const { pid } = node.child;
    const registered = async () =>
      (await createFleet(redis, busNames(fleet.prefix)).registered()).map(({ entry }) => entry.pid);
    await eventually("its entry", async () => (await registered()).includes(pid));
    const before = await redis.zcard(nodes);
    await node.stop();
    expect(await redis.zcard(busNames(fleet.prefix).seen)).toBe(before - 1);
    expect(await registered()).not.toContain(pid);
    expect(await redis.zcard(nodes)).toBe(before - 1);
  });

  it("is asked in vain without breaking anything: a question that is none, a node that is gone", async () => {
    const names = busNames(fleet.prefix);
    const view = createFleet(redis, names);
    for (const payload of ["", "{", '{"v":1,"id":"../../etc"}']) await redis.publish(names.ask, payload);
    const [first] = await view.ask();
    await redis.zadd(names.nodes, Date.now() + 60_000, "gone");
    await redis.set(
      nodeEntry(names, "gone"),
      '{"host":"zz","pid":1,"agent":"0","soketi":"1.6.1"}',
      "PX",
      60_000,
    );
    const nodes = await view.ask({}, 200);
    expect(nodes.find(({ id }) => id === first?.id)?.answer).toBeDefined();
    expect(nodes.find(({ id }) => id === "gone")).toEqual({
      id: "gone",
      entry: { host: "zz", pid: 1, agent: "0", soketi: "1.6.1" },
    });
    await redis.zrem(names.nodes, "gone");
  });

  it("finds by itself what no message told of: the verifier drops it, and connections follow", async () => {
    const node = await fleet.node();
    await fleet.table.put(item("silent"));
    await eventually("its message", async () => (await node.metrics()).cursor === 3);
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
