import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AppsReader } from "../../../src/pipeline/ports.ts";
import { SharedCache } from "../../../src/pipeline/shared-cache.ts";
import { RedisError } from "../../../src/redis/errors.ts";
import type { Checkpoints } from "../../../src/relay/checkpoints.ts";
import { encodeFlush } from "../../../src/protocol/encode.ts";
import { sweepRegularly } from "../../../src/relay/sweep-regularly.ts";
import { FakeRedis } from "./fake-stream.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let redis: FakeRedis;
let at: number;
let looks: number;
let reads: number;
let reported: string[];
let isTableAway: boolean;
let duringPages: () => Promise<void>;
let terms: { end: () => void; over: Promise<void> }[];

beforeEach(() => {
  redis = new FakeRedis();
  at = 1_700_000_000_000;
  looks = 0;
  reads = 0;
  reported = [];
  isTableAway = false;
  duringPages = () => Promise.resolve();
  terms = [];
});

afterEach(async () => {
  for (const { end } of terms) end();
  await Promise.all(terms.map(({ over }) => over));
});

const table: AppsReader = {
  read: () => Promise.resolve(new Map()),
  readItems: () => Promise.resolve(new Map()),
  async *pages() {
    reads += 1;
    if (isTableAway) throw new Error("the table is away");
    await duringPages();
    yield [];
  },
};

/** A relay's term. */
function begin(): { end: () => void; checkpoints: Checkpoints } {
  const ending = new AbortController();
  const checkpoints = redis.checkpoints();
  const over = sweepRegularly(
    { checkpoints, signal: ending.signal },
    {
      sharedCache: new SharedCache({ mode: "refresh", stores: [] }),
      table,
      intervalMs: HOUR,
      pollMs: 1,
      report: {
        swept: () => reported.push("swept"),
        sweepFailed: (error) => reported.push((error as Error).message),
      },
      now() {
        looks += 1;
        return at;
      },
    },
  );
  const term = { end: () => ending.abort(), over, checkpoints };
  terms.push(term);
  return term;
}

/** Time goes on, and it is looked whether it is time. @returns how often the table has been read then. */
async function after(ms: number): Promise<number> {
  at += ms;
  const until = looks + 5;
  await expect.poll(() => looks, { interval: 1 }).toBeGreaterThan(until);
  return reads;
}

const sweptAt = () => redis.positions.get("swept-at");

it("sweeps when its term begins, and then at each interval", async () => {
  begin();
  expect(await after(0)).toBe(1);
  expect(sweptAt()).toBe(String(at));
  expect(await after(HOUR - 1)).toBe(1);
  expect(await after(1)).toBe(2);
  expect(reported).toEqual(["swept", "swept"]);
});

it("a sweep that failed is not done: it is tried again after a minute, two, four, and at the interval at the latest", async () => {
  isTableAway = true;
  begin();
  expect(await after(0)).toBe(1);
  let pauses = 0;
  for (const pause of [1, 2, 4, 8, 16, 32, 60, 60].map((minutes) => minutes * MINUTE)) {
    pauses += 1;
    expect(await after(pause - 1)).toBe(pauses);
    expect(await after(1)).toBe(pauses + 1);
  }
  expect(sweptAt()).toBeUndefined();
  isTableAway = false;
  await after(HOUR);
  expect(sweptAt()).toBe(String(at));
  expect(reported.at(-1)).toBe("swept");
  // The next failure is a first one.
  isTableAway = true;
  expect(await after(HOUR)).toBe(11);
  expect(await after(MINUTE)).toBe(12);
});

it("a successor tries at once what has failed, and leaves what was done", async () => {
  isTableAway = true;
  const first = begin();
  expect(await after(0)).toBe(1);
  first.end();
  isTableAway = false;
  const second = begin();
  expect(await after(0)).toBe(2);
  second.end();
  begin();
  expect(await after(HOUR - 1)).toBe(2);
  expect(await after(1)).toBe(3);
});

describe("when records were lost, of which no other change tells", () => {
  const lost = encodeFlush("lost", 0);

  it.each<[string, (checkpoints: Checkpoints) => Promise<void>]>([
    ["another stream", (checkpoints) => checkpoints.begin("arn:2", lost, at)],
    ["a shard that is gone", (checkpoints) => checkpoints.forgetLost(["s1"], lost)],
    ["a shard whose records have expired", (checkpoints) => checkpoints.startAnew("s1", lost)],
  ])("it is swept at once: %s", async (_, lose) => {
    redis.positions.set("shard:s1", "7");
    const { checkpoints } = begin();
    expect(await after(0)).toBe(1);
    await lose(checkpoints);
    expect(redis.flushes).toEqual(["lost"]);
    expect(await after(0)).toBe(2);
    expect(sweptAt()).toBe(String(at));
    expect(await after(HOUR - 1)).toBe(2);
  });

  it("by the next relay, if not by this one", async () => {
    const first = begin();
    expect(await after(0)).toBe(1);
    first.end();
    await first.checkpoints.startAnew("s1", lost);
    begin();
    expect(await after(0)).toBe(2);
  });

  it("once more, if a sweep was under way", async () => {
    let goOn: () => void = () => undefined;
    duringPages = () => new Promise<void>((resolve) => (goOn = resolve));
    const { checkpoints } = begin();
    await expect.poll(() => reads).toBe(1);
    await checkpoints.startAnew("s1", lost);
    duringPages = () => Promise.resolve();
    goOn();
    expect(await after(0)).toBe(2);
    expect(sweptAt()).toBe(String(at));
  });
});

it("one that is done and could not be noted is not done again by the same relay", async () => {
  redis.failures.push(new RedisError("save the stream's positions", new Error("no answer")));
  const first = begin();
  expect(await after(0)).toBe(1);
  expect(reported).toEqual(["swept", "Redis could not save the stream's positions: no answer"]);
  expect(await after(HOUR - 1)).toBe(1);
  first.end();
  begin();
  expect(await after(0)).toBe(2);
});
