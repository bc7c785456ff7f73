import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_CLOSE_CODES, DEFAULT_CLOSE_ON } from "../../../src/agent/close-causes.ts";
import { OpenConnections } from "../../../src/agent/open-connections.ts";
import type { Connection } from "../../../src/agent/ports.ts";

interface TestApp {
  readonly id: string;
  readonly key: string;
  readonly enabled: boolean;
}

const APP: TestApp = { id: "a", key: "a-key", enabled: true };
const NEWER = { ...APP };

let cached: TestApp | null | undefined;
/** How many connections are too many; undefined: the other nodes cannot be asked. */
let surplus: number | undefined;
let counts: number;
let isProven: boolean;
let lookups: number;
/** What a lookup comes to. */
let found: TestApp | null | Error;
let has: TestApp | undefined;
let closed: number[];
let refreshed: string[];
let open: OpenConnections<TestApp>;

const connection: Connection<TestApp> = {
  id: "1",
  key: "a-key",
  has: (app) => has === app,
  hasSecretOf: () => true,
  replace: (app) => (has = app),
  close: (code) => closed.push(code),
};

beforeEach(() => {
  vi.useFakeTimers();
  [cached, isProven, lookups, found] = [undefined, true, 0, APP];
  has = APP;
  [closed, refreshed] = [[], []];
  [surplus, counts] = [0, 0];
  open = new OpenConnections<TestApp>({
    connections: { appIds: () => ["a"], has: () => true, of: () => [connection] },
    cache: {
      inspect: () => (cached === undefined ? undefined : { app: cached, readMsAgo: 0, proven: isProven }),
      lookup() {
        lookups += 1;
        return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
      },
      revalidate: () => (found instanceof Error ? Promise.reject(found) : Promise.resolve(found)),
    },
    connectionLimits: {
      surplus() {
        counts += 1;
        return surplus === undefined ? Promise.reject(new Error("no answer")) : Promise.resolve(surplus);
      },
      newest: (_appId, count) => [connection].slice(0, count),
    },
    isLeaseHeld: () => true,
    roundEveryMs: 5_000,
    readsPerSecond: 100,
    fleetReadsPerSecond: 2_000,
    closeOn: DEFAULT_CLOSE_ON,
    closeCodes: DEFAULT_CLOSE_CODES,
    closesPerSecond: 1_000,
    clock: () => performance.now(),
    onRefreshed: (appId, replaced, gone) => refreshed.push(`${appId} +${replaced} -${gone}`),
  });
});

afterEach(() => {
  open.stop();
  vi.useRealTimers();
});

describe("a connection that is entered", () => {
  it("with the app that is cached as proven is not asked for", async () => {
    cached = APP;
    const later = vi.spyOn(open.revalidator, "retryLater");
    open.entered("a", connection);
    await vi.advanceTimersByTimeAsync(100);
    expect([lookups, later.mock.calls]).toEqual([0, []]);
  });

  it("with one that is cached and in doubt is asked for later", () => {
    [cached, isProven] = [APP, false];
    const later = vi.spyOn(open.revalidator, "retryLater");
    open.entered("a", connection);
    expect([lookups, later.mock.calls]).toEqual([0, [["a"]]]);
  });

  it.each([
    ["another than the cached one", NEWER],
    ["one while none is cached", undefined],
    ["one that is known to be gone", null],
  ])("with %s follows what a lookup finds", async (_, other) => {
    cached = other;
    found = NEWER;
    open.entered("a", connection);
    await vi.advanceTimersByTimeAsync(100);
    expect([lookups, has]).toEqual([1, NEWER]);
  });

  it("of an app that is gone is closed, which is told", async () => {
    found = null;
    open.entered("a", connection);
    await vi.advanceTimersByTimeAsync(100);
    expect([closed, refreshed]).toEqual([[4001], ["a +0 -1"]]);
  });

  it("whose app cannot be read is asked for later", async () => {
    found = new Error("no answer");
    const later = vi.spyOn(open.revalidator, "retryLater");
    open.entered("a", connection);
    await vi.advanceTimersByTimeAsync(0);
    expect([later.mock.calls, has]).toEqual([[["a"]], APP]);
  });
});

describe("an app with a limit of connections", () => {
  it("has the newest closed that are too many, once all have been given the app", async () => {
    surplus = 1;
    open.follow("a", NEWER);
    await vi.advanceTimersByTimeAsync(100);
    expect([closed, refreshed]).toEqual([[DEFAULT_CLOSE_CODES["over-limit"]], ["a +1 -0", "a +0 -1"]]);
  });

  it.each([
    ["goes on being counted when it is read again, and is the same", NEWER, 3],
    ["is not counted any more when it is disabled", { ...APP, enabled: false }, 1],
    ["is not counted any more when it is gone", null, 1],
  ])("%s", async (_, now, expected) => {
    surplus = undefined;
    open.follow("a", NEWER);
    await vi.advanceTimersByTimeAsync(100);
    open.follow("a", now);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(counts).toBe(expected);
  });
});

it("after the end nobody is closed any more", async () => {
  open.follow("a", null);
  open.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(closed).toEqual([]);
});
