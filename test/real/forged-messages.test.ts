import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { startRedis, type RedisServer } from "../../local/redis-server.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { parseMessageId } from "../../src/protocol/message-id.ts";
import { type BusNames, busNames } from "../../src/protocol/names.ts";
import { modify } from "../factories/stream-event.ts";
import {
  accepts,
  eventually,
  type Fleet,
  item,
  loadHandler,
  outcomeOfConnecting,
  startFleet,
  WITHOUT_VERIFIER,
} from "../support/fleet.ts";

let server: RedisServer;
/** Somebody who may publish, and write to the log. */
let attacker: Redis;
let fleet: Fleet;
let node: SoketiNode;
let names: BusNames;

beforeEach(async () => {
  server = await startRedis();
  attacker = new Redis(server.url);
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: server.url });
  names = busNames(fleet.prefix);
  node = await fleet.node({ env: WITHOUT_VERIFIER });
  await fleet.table.put(item("victim"));
  await fleet.table.put(item("evil", { Enabled: { BOOL: false } }));
  await eventually("both apps to be known", async () => {
    const { cursor, lease_held } = await node.metrics();
    return fleet.source.delivered === 2 && lease_held === 1 && cursor === (await last()).seq;
  });
  expect(await outcomeOfConnecting(node, "victim-key")).toBe("connected");
});

afterEach(async () => {
  attacker.disconnect();
  await fleet.stop();
  await server.stop();
});

const metric = async (name: string) => (await node.metrics())[name] ?? 0;
const flushes = (reason: string) => metric(`flushes_total{reason="${reason}"}`);

async function last(): Promise<{ epoch: number; seq: number }> {
  const [entry] = await attacker.xrevrange(names.log, "+", "-", "COUNT", 1);
  return parseMessageId(entry?.[0] ?? "") ?? { epoch: 0, seq: 0 };
}

const message = (...changes: object[]) =>
  JSON.stringify({ v: 1, table: fleet.table.name, at: Date.now(), changes });

/** As the pipeline would: in the log and on the live channel, with the next number. */
async function forge(json: string): Promise<void> {
  const { epoch, seq } = await last();
  const id = `${epoch}-${seq + 1}`;
  await attacker.xadd(names.log, id, "m", json);
  await attacker.publish(names.live, `${id} ${json}`);
  await eventually("the node to have acted on it", async () => (await metric("cursor")) === seq + 1);
}

/** What the node serves is the table, and a change of it arrives. */
async function provesWhole(): Promise<void> {
  expect(await outcomeOfConnecting(node, "victim-key")).toBe("connected");
  expect(await accepts(node, "victim", "victim-secret")).toBe(true);
  await fleet.table.update("victim", { AppSecret: { S: "victim-secret-2" } });
  await eventually("the change", () => accepts(node, "victim", "victim-secret-2"));
  expect(await accepts(node, "victim", "victim-secret")).toBe(false);
  await eventually("the lease", async () => (await metric("lease_held")) === 1);
}

describe("whoever may publish", () => {
  it("cannot put an app in force, or a part of one: nodes read the table", async () => {
    const app = {
      id: "victim",
      key: "victim-key",
      secret: "forged",
      enabled: false,
      limits: {},
      webhooks: [],
    };
    await forge(message({ appId: "victim", type: "updated", keys: ["victim-key"], changed: [], app }));
    await forge(message({ appId: "made-up", type: "created", keys: ["made-up-key"], changed: [], app }));
    expect(await outcomeOfConnecting(node, "made-up-key")).toBe(4001);
    expect(await accepts(node, "victim", "forged")).toBe(false);
    await provesWhole();
  });

  it.each([
    ["another app", "evil"],
    ["an app that is not there", "made-up"],
    // A read of such an id fails each time, which is not "there is none".
    ["an id that DynamoDB does not take", "x".repeat(2_049)],
  ])("cannot lead a key to %s", async (_, appId) => {
    for (const keys of [["victim-key"], []]) {
      await forge(
        message({ appId, type: "updated", keys, changed: [], app: { id: appId, key: "victim-key" } }),
      );
      expect(await outcomeOfConnecting(node, "victim-key")).toBe("connected");
    }
    await provesWhole();
  });

  it("cannot make a deleted app of one that is there, or close its connections", async () => {
    await forge(message({ appId: "victim", type: "deleted", keys: ["victim-key"], changed: [] }));
    expect(await metric("connections_closed_total")).toBe(0);
    await provesWhole();
  });

  it("makes nodes forget by a number that is used twice, is far ahead, of another log, or of none", async () => {
    const { epoch, seq } = await last();
    const json = message({ appId: "victim", type: "updated", keys: [], changed: [] });
    // A live message that is in no log: the true one with that number, or the heartbeat, shows it.
    await attacker.publish(names.live, `${epoch}-${seq + 1} ${json}`);
    await eventually("a flush", async () => (await flushes("sequence-backwards")) > 0);
    await provesWhole();

    await attacker.publish(names.live, `${epoch}-${seq + 1_000_000} ${json}`);
    await fleet.table.update("victim", { AppSecret: { S: "victim-secret" } });
    await eventually("the change", () => accepts(node, "victim", "victim-secret"));
    await provesWhole();

    await fleet.table.update("victim", { AppSecret: { S: "victim-secret" } });
    await eventually("the change", () => accepts(node, "victim", "victim-secret"));
    const before = await flushes("new-epoch");
    await attacker.publish(names.live, `${epoch + 5}-1 ${json}`);
    await eventually("a flush", async () => (await flushes("new-epoch")) > before);
    await provesWhole();

    await attacker.publish(names.live, "no message");
    await eventually("a flush", async () => (await flushes("unreadable-message")) > 0);
    expect(await accepts(node, "victim", "victim-secret-2")).toBe(true);
  });

  it("costs reads with a storm of flushes; what is served is right meanwhile, and after", async () => {
    const reads = await metric("loads_total");
    const before = await flushes("requested");
    const storm = 300;
    for (let i = 0; i < storm; i += 1) {
      await forge(`{"v":1,"flush":"storm"}`);
      if (i % 30 === 0) expect(await outcomeOfConnecting(node, "victim-key")).toBe("connected");
    }
    // A heartbeat between the log and the channel reads it from the log first: it is acted on once more then.
    const flushed = (await flushes("requested")) - before;
    expect(flushed).toBeGreaterThanOrEqual(storm);
    expect((await metric("loads_total")) - reads).toBeLessThanOrEqual(flushed + 10);
    await provesWhole();
  });
});

describe("whoever may write to the log", () => {
  it("can use its numbers up: the function then reports failures, until the log is deleted", async () => {
    const { epoch } = await last();
    await attacker.xadd(names.log, `${epoch}-18446744073709551615`, "m", "x");
    const handler = await loadHandler({
      REDIS_URL: server.url,
      APP_SYNC_PREFIX: fleet.prefix,
      APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
    });
    const event = { Records: [modify("victim", {}, { MaxConnections: { N: "1" } })] };
    const context = { getRemainingTimeInMillis: () => 30_000 };
    expect((await handler(event, context)).batchItemFailures).toHaveLength(1);
    expect(await outcomeOfConnecting(node, "victim-key")).toBe("connected");

    await attacker.del(names.log);
    expect((await handler(event, context)).batchItemFailures).toEqual([]);
    await provesWhole();
  });
});
