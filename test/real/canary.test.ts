import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { normalize } from "../../src/app/normalize.ts";
import { type CanaryResult, decodeCanaryResult, isInTime } from "../../src/protocol/canary.ts";
import { busNames } from "../../src/protocol/names.ts";
import {
  eventually,
  type Fleet,
  item,
  loadHandler,
  outcomeOfConnecting,
  startFleet,
} from "../support/fleet.ts";

type Canary = (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<CanaryResult>;

const CANARY = "app-sync-canary";
/** As long as the deployed function has. Milliseconds. */
const whole = { getRemainingTimeInMillis: () => 30_000 };
/** Two seconds for the nodes: what does not arrive does not arrive later either. */
const short = { getRemainingTimeInMillis: () => 7_000 };

let fleet: Fleet;
let redis: Redis;
let nodes: SoketiNode[];
let canary: Canary;
let env: Record<string, string>;

beforeAll(async () => {
  fleet = await startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
  redis = new Redis(inject("redisUrl"));
  env = {
    REDIS_URL: inject("redisUrl"),
    APP_SYNC_PREFIX: fleet.prefix,
    APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
    APP_MANAGER_DYNAMODB_ENDPOINT: inject("dynamodbEndpoint"),
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  };
  canary = await loadHandler<Canary>(env, "canary");
  nodes = await Promise.all([fleet.node(), fleet.node()]);
  await eventually("the leases", async () => {
    const metrics = await Promise.all(nodes.map((node) => node.metrics()));
    return metrics.every(({ lease_held: held }) => held === 1);
  });
});

afterAll(async () => {
  redis.disconnect();
  await fleet.stop();
});

const kept = async () => decodeCanaryResult(await redis.get(busNames(fleet.prefix).canary));

describe("the built canary", { shuffle: false }, () => {
  it("writes its own disabled item, and tells how long that took to the last node", async () => {
    const result = await canary({}, whole);
    expect(result).toMatchObject({ intervalMs: 60_000, expected: 2, confirmed: 2, missing: [] });
    expect(isInTime(result), `${result.totalMs} ms`).toBe(true);
    expect(result.totalMs).toBe(
      result.writeMs + (result.streamMs ?? Number.NaN) + (result.nodesMs ?? Number.NaN),
    );
    expect(await kept()).toEqual(result);
    // It goes by itself where nobody measures any more.
    expect(await redis.ttl(busNames(fleet.prefix).canary)).toBeGreaterThan(86_000);

    const written = await fleet.table.get(CANARY);
    const { app, key = "", problems } = normalize(written ?? {});
    expect([app?.enabled, problems]).toEqual([false, []]);
    expect(await Promise.all(nodes.map((node) => outcomeOfConnecting(node, key)))).toEqual([4003, 4003]);
  });

  it("again and again, each time with another key; the one before is nobody's", async () => {
    const before = normalize((await fleet.table.get(CANARY)) ?? {}).key ?? "";
    expect(await canary({}, whole)).toMatchObject({ expected: 2, confirmed: 2 });
    expect(normalize((await fleet.table.get(CANARY)) ?? {}).key).not.toBe(before);
    expect(await Promise.all(nodes.map((node) => outcomeOfConnecting(node, before)))).toEqual([4001, 4001]);
  });

  it("names the node that does not confirm, and has no time then", async () => {
    const [, frozen] = nodes;
    frozen?.child.signal("SIGSTOP");
    try {
      const result = await canary({}, short);
      expect(result).toMatchObject({ nodesMs: null, totalMs: null, expected: 2, confirmed: 1 });
      expect(result.streamMs).toBeTypeOf("number");
      expect(result.missing).toEqual([expect.stringMatching(/ \d+$/)]);
      expect(await kept()).toEqual(result);
    } finally {
      frozen?.child.signal("SIGCONT");
    }
    await eventually("the node to follow again", async () => (await canary({}, whole)).confirmed === 2);
  });

  it("overwrites nobody's app", async () => {
    await fleet.table.put(item("taken"));
    const other = await loadHandler<Canary>({ ...env, APP_SYNC_CANARY_APP: "taken" }, "canary");
    await expect(other({}, whole)).rejects.toThrow(
      /expected no app taken but the canary's own, found somebody's/,
    );
    expect(await fleet.table.get("taken")).toEqual(item("taken"));
  });

  it("finds a pipeline that has stopped in silence", async () => {
    await fleet.source.stop();
    const result = await canary({}, short);
    expect(result).toMatchObject({ streamMs: null, nodesMs: null, totalMs: null, expected: 2, confirmed: 0 });
    expect(result.missing).toHaveLength(2);
  });
});
