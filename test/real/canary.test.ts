import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { normalize } from "../../src/app/normalize.ts";
import { CANARY_BOUND_MS, type CanaryResult, decodeCanaryResult } from "../../src/protocol/canary.ts";
import { busNames } from "../../src/protocol/names.ts";
import { cli, jsonLines } from "../support/cli.ts";
import {
  eventually,
  type Fleet,
  item,
  loadHandler,
  outcomeOfConnecting,
  root,
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
  redis = new Redis(inject("redisUrl"));
  fleet = await newFleet();
  env = envOf(fleet);
  canary = await loadHandler<Canary>(env, "canary");
  nodes = await nodesOf(fleet, 2);
});

afterAll(async () => {
  redis.disconnect();
  await fleet.stop();
});

function newFleet(): Promise<Fleet> {
  return startFleet({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl") });
}

function envOf({ commandEnv }: Fleet): Record<string, string> {
  const login = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
  return { ...commandEnv, ...login, AWS_REGION: "us-east-1" };
}

async function nodesOf(of: Fleet, count: number): Promise<SoketiNode[]> {
  const started = await Promise.all(Array.from({ length: count }, () => of.node()));
  await eventually("the leases", async () => {
    const metrics = await Promise.all(started.map((node) => node.metrics()));
    return metrics.every(({ lease_held: held }) => held === 1);
  });
  return started;
}

const kept = async () => decodeCanaryResult(await redis.get(busNames(fleet.prefix).canary));

describe("the built canary", { shuffle: false }, () => {
  it("writes its own disabled item, and tells how long that took to the last node", async () => {
    const result = await canary({}, whole);
    expect(result).toMatchObject({ intervalMs: 60_000, expected: 2, confirmed: 2, missing: [] });
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

  it("is not in the way of who looks at changes, unless they ask for it", async () => {
    await fleet.table.put(item("people"));
    const appsIn = async (...args: string[]) => {
      const result = await cli(["tail", "--since", "all", "--no-follow", "--json", ...args], { env });
      expect([result.status, result.stderr]).toEqual([0, ""]);
      return new Set(jsonLines<{ appId: string }>(result).map(({ appId }) => appId));
    };
    await eventually("the change", async () => (await appsIn()).has("people"));
    const all = await appsIn("--canary");
    expect([all.has("people"), all.has(CANARY)]).toEqual([true, true]);
    // Those of other tests too, if they ran before.
    expect(await appsIn()).toEqual(new Set([...all].filter((appId) => appId !== CANARY)));
    expect(await appsIn("--app", CANARY)).toEqual(new Set([CANARY]));
    const validated = await cli(["validate", "--json"], { env });
    expect(validated.status, validated.stdout).toBe(0);
  });

  it("overwrites nobody's app", async () => {
    await fleet.table.put(item("taken"));
    const other = await loadHandler<Canary>({ ...env, APP_SYNC_CANARY_APP: "taken" }, "canary");
    await expect(other({}, whole)).rejects.toThrow(
      /expected no app taken but the canary's own, found another/,
    );
    expect(await fleet.table.get("taken")).toEqual(item("taken"));
  });

  it("is told of by doctor", async () => {
    const result = await canary({}, whole);
    const found = async () => {
      const [checks = []] = jsonLines<{ name: string; level: string; found: string }[]>(
        await cli(["doctor", "--json"], { env }),
      );
      return checks.find(({ name }) => name === "canary");
    };
    expect(await found()).toMatchObject({
      level: (result.totalMs ?? Infinity) <= CANARY_BOUND_MS ? "ok" : "warning",
      found: expect.stringMatching(
        new RegExp(`^the last change, \\d+ (s|min) ago, took ${result.totalMs} ms to 2 nodes: write `),
      ) as string,
    });
    // Three minutes and more ago, by Redis' clock.
    const old = { ...result, at: result.at - 200_000 };
    await redis.set(busNames(fleet.prefix).canary, JSON.stringify(old));
    expect(await found()).toMatchObject({
      level: "fail",
      found: expect.stringMatching(/^it last ran \d+ (s|min) ago, and is due every 1 min$/) as string,
    });
  });
});

interface Measured {
  readonly writes: number;
  readonly nodes: number;
  readonly inTime: number;
  readonly share: number | null;
  readonly missing: readonly string[];
  readonly totalMs: Record<"p50" | "p90" | "p99" | "max", number> | null;
  readonly streamMs: object | null;
}

const measure = async (args: readonly string[], more: Record<string, string> = {}) => {
  const result = await cli(["measure", "--json", ...args], { env: { ...env, ...more } });
  return { ...result, measured: jsonLines<Measured>(result)[0] };
};

describe("measure", { shuffle: false }, () => {
  it("prints what each step takes; the canary's item stays, and is for doctor to know", async () => {
    await canary({}, whole);
    const { status, stderr, measured } = await measure(["--writes", "5", "--interval", "0"]);
    expect(measured).toMatchObject({ writes: 5, nodes: 2, missing: [] });
    const { p50 = 0, p90 = 0, p99 = 0, max = 0 } = measured?.totalMs ?? {};
    expect([p50, p90, p99, max]).toEqual([p50, p90, p99, max].sort((a, b) => a - b));
    expect(p50).toBeGreaterThan(0);
    const isLate = max > CANARY_BOUND_MS;
    expect([status, measured?.share === 1, stderr === ""]).toEqual([isLate ? 2 : 0, !isLate, !isLate]);
    expect(await fleet.table.get(CANARY)).toBeDefined();
    const kept = decodeCanaryResult(await redis.get(busNames(fleet.prefix).measured));
    expect(kept).toMatchObject({ intervalMs: null, totalMs: max, confirmed: 2 });
  });

  it("for people: a table, and the share within 2 s", async () => {
    const { stdout } = await cli(["measure", "--writes", "2", "--interval", "0"], { env });
    expect(stdout).toMatch(/^milliseconds +p50 +p90 +p99 +max\n/);
    expect(stdout).toMatch(/^from the write to the last node( +\d+){4}$/m);
    expect(stdout).toMatch(/^\d of 2 changes within 2 s, on 2 nodes$/m);
  });

  it("deletes the item that was not there before, also on Ctrl-C, which ends it with 130", async () => {
    const own = { APP_SYNC_CANARY_APP: "my-own" };
    const { measured } = await measure(["--writes", "1"], own);
    expect(measured).toMatchObject({ writes: 1, nodes: 2 });
    expect(await fleet.table.get("my-own")).toBeUndefined();

    const child = spawn(
      process.execPath,
      [join(root, "dist/cli.mjs"), "measure", "--json", "--writes", "100000"],
      {
        env: { PATH: process.env.PATH, ...env, ...own },
      },
    );
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await eventually("the item", async () => (await fleet.table.get("my-own")) !== undefined);
    child.kill("SIGINT");
    const [status] = (await once(child, "close")) as [number | null];
    expect(status, stderr).toBe(130);
    expect(JSON.parse(stderr)).toMatchObject({ code: "E_INTERRUPTED" });
    // What was measured until then.
    expect((JSON.parse(stdout) as Measured).writes).toBeLessThan(100_000);
    expect(await fleet.table.get("my-own")).toBeUndefined();
  });

  it("names a node that does not confirm, and ends with 3", async () => {
    const [, frozen] = nodes;
    frozen?.child.signal("SIGSTOP");
    try {
      const { status, stderr, measured } = await measure(["--timeout", "1s"]);
      expect(status).toBe(3);
      expect(measured).toMatchObject({ writes: 1, nodes: 1, inTime: 0, totalMs: null });
      expect(stderr).toContain(
        `change 1 was not confirmed within 1 s by ${measured?.missing[0]}: check them with`,
      );
    } finally {
      frozen?.child.signal("SIGCONT");
    }
    const back = async () => (await measure(["--writes", "1", "--expect", "2"])).status !== 3;
    await eventually("the node to follow again", back);
    const { status, stderr } = await measure(["--writes", "1", "--expect", "3"]);
    expect([status, stderr]).toEqual([3, expect.stringContaining("expected 3 nodes to confirm, found 2")]);
  });

  it("does not touch somebody's app", async () => {
    await fleet.table.put(item("taken"));
    const { status, stderr } = await measure([], { APP_SYNC_CANARY_APP: "taken" });
    expect([status, stderr]).toEqual([1, expect.stringContaining("but the canary's own, found another")]);
    expect(await fleet.table.get("taken")).toEqual(item("taken"));
  });
});

it("measures a fleet without the agent, where a shared cache is what changes go to", async () => {
  const bare = await newFleet();
  try {
    const refused = await measure(["--writes", "1"], envOf(bare));
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringContaining("no soketi node is registered"),
    ]);
    const shared = { ...envOf(bare), SHARED_CACHE: "refresh" };
    const { status, stderr, measured } = await measure(["--writes", "1"], shared);
    expect(status, stderr).not.toBe(1);
    expect(measured).toMatchObject({
      writes: 1,
      nodes: 0,
      missing: [],
      totalMs: { max: expect.any(Number) as number },
    });
    const { stdout } = await cli(["measure", "--writes", "1"], { env: shared });
    expect(stdout).toMatch(/^\d of 1 change within 2 s, in the shared cache$/m);
  } finally {
    await bare.stop();
  }
});

describe("a pipeline that has stopped in silence", () => {
  it("is found by both", async () => {
    const silent = await newFleet();
    try {
      await nodesOf(silent, 1);
      await silent.source.stop();
      const unheard = await loadHandler<Canary>(envOf(silent), "canary");
      const result = await unheard({}, short);
      expect(result).toMatchObject({
        streamMs: null,
        nodesMs: null,
        totalMs: null,
        expected: 1,
        confirmed: 0,
      });
      expect(result.missing).toHaveLength(1);
      const { status, stderr, measured } = await measure(["--timeout", "1s"], envOf(silent));
      expect(status).toBe(3);
      expect(stderr).toContain(
        "change 1 did not reach the log within 1 s: is the function or the relay running?",
      );
      expect(measured).toMatchObject({ writes: 1, inTime: 0, streamMs: null });
    } finally {
      await silent.stop();
    }
  });
});
