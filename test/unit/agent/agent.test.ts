import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AgentOptions, AgentReporter } from "../../../src/agent/agent-options.ts";
import { Agent } from "../../../src/agent/agent.ts";
import { DEFAULT_CLOSE_CODES, DEFAULT_CLOSE_ON } from "../../../src/agent/close-causes.ts";
import type { Tail } from "../../../src/agent/ports.ts";
import type { LogEntry } from "../../../src/protocol/live.ts";
import { encodeChanges, encodeFlush } from "../../../src/protocol/encode.ts";
import { waitFor } from "../../support/wait-for.ts";

interface TestApp {
  readonly id: string;
  readonly key: string;
  readonly enabled: boolean;
  readonly version: number;
}

const HEARTBEAT = 1_000;

let table: Map<string, TestApp>;
let reads: string[];
let broken: Error | undefined;
/** What reads of the table come to, while Redis is well. */
let unreadable: Error | undefined;
let tail: Tail;
/** What a replay reads. */
let logged: LogEntry[];
let beats: number;
/** Apps with an open connection, and the app it has been given last. */
let connected: Map<string, TestApp | undefined>;
let told: string[];
let agent: Agent<TestApp>;
let gone: string[];
let resubscribed: number;

const app = (id: string, version: number): TestApp => ({ id, key: `${id}-key`, enabled: true, version });
const publish = (seq: number, json: string) => {
  tail = { last: { epoch: 1, seq }, server: "s" };
  agent.follower.onLive(`1-${seq} ${json}`);
};
const changeOf = (id: string, at: number, writtenAt?: number) =>
  encodeChanges(
    [
      {
        appId: id,
        type: "updated",
        keys: [`${id}-key`],
        changed: [],
        writtenAt,
      },
    ],
    { table: "apps", at },
  )[0]?.live ?? "";

beforeEach(() => {
  vi.useFakeTimers({ now: 50_000 });
  table = new Map([
    ["a", app("a", 1)],
    ["b", app("b", 1)],
  ]);
  reads = [];
  broken = undefined;
  unreadable = undefined;
  tail = { server: "s" };
  logged = [];
  beats = 0;
  connected = new Map();
  told = [];
  gone = [];
  resubscribed = 0;
  agent = create(0);
});

const tellGone = (appId: string) => void gone.push(appId);

function create(
  verifyEveryMs: number,
  { onGone }: Pick<AgentOptions<TestApp>, "onGone"> = { onGone: tellGone },
): Agent<TestApp> {
  const tell =
    (name: string) =>
    (...what: unknown[]) =>
      told.push(
        `${name} ${what.map((one) => (one instanceof Error ? one.message : JSON.stringify(one))).join(" ")}`,
      );
  const report: AgentReporter = {
    dropped: (change, lag) => void tell("dropped")(change.appId, lag),
    flushed: (reason) => void tell("flushed")(reason),
    leaseChanged: (held) => void tell("lease")(held),
    heartbeatFailed: (error) => void tell("heartbeat failed")(error),
    loadFailed: (what, error) => void tell("load failed")(what, error),
    connectionsRefreshed: (appId, replaced, closed) => void tell("refreshed")(appId, replaced, closed),
    staleFound: (appId) => void tell("stale")(appId),
  };
  return new Agent<TestApp>({
    bus: {
      heartbeat: () => {
        beats += 1;
        return broken ? Promise.reject(broken) : Promise.resolve(tail);
      },
      read: () => Promise.resolve(logged),
      resubscribe: () => void (resubscribed += 1),
    },
    source: {
      loadById: (id) => {
        reads.push(id);
        const error = broken ?? unreadable;
        return error ? Promise.reject(error) : Promise.resolve(table.get(id));
      },
      resolveKey: (key) => Promise.resolve(key.slice(0, -"-key".length)),
    },
    connections: {
      appIds: () => [...connected.keys()],
      has: (id) => connected.has(id),
      *of(id) {
        yield {
          id: "1",
          key: `${id}-key`,
          hasSecretOf: () => true,
          has: (one) => connected.get(id) === one,
          replace: (one) => connected.set(id, one),
          close: () => connected.delete(id),
        };
      },
    },
    onGone,
    isSame: (left, right) => left.version === right.version,
    report,
    clock: () => performance.now(),
    now: () => Date.now(),
    leaseMs: 3_000,
    heartbeatMs: HEARTBEAT,
    limits: {
      degradedTtlMs: 5_000,
      maxStaleOnErrorMs: 60_000,
      loadBudgetMs: 5_000,
      missingKeyTtlMs: 1_000,
      maxEntries: 100,
    },
    reloadJitterMs: 50,
    verifyEveryMs,
    readsPerSecond: 100,
    fleetReadsPerSecond: 2_000,
    closeOn: DEFAULT_CLOSE_ON,
    closeCodes: DEFAULT_CLOSE_CODES,
    closesPerSecond: 5_000,
  });
}

afterEach(() => {
  agent.stop();
  vi.useRealTimers();
});

async function following(): Promise<void> {
  await agent.subscribed();
  publish(1, changeOf("zero", 0));
  told = [];
}

describe("a change", () => {
  it("is told of with the time since the invocation, and since the write when that is known", async () => {
    await following();
    publish(2, changeOf("a", 49_990));
    publish(3, changeOf("b", 49_970, 49_000));
    expect(told).toEqual([
      'dropped "a" {"sinceInvoked":10}',
      'dropped "b" {"sinceInvoked":30,"sinceWritten":1000}',
    ]);
    expect(agent.status().lagMs).toBe(30);
  });

  it("of an app that is cached is read again, within the jitter", async () => {
    await following();
    expect((await agent.cache.findById("a"))?.version).toBe(1);
    reads = [];
    table.set("a", app("a", 2));
    vi.spyOn(Math, "random").mockReturnValue(0.9);
    connected.set("a", undefined);
    publish(2, changeOf("a", 0));
    await vi.advanceTimersByTimeAsync(44);
    expect(reads).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(reads).toEqual(["a"]);
    await waitFor(() => {
      expect(connected.get("a")?.version).toBe(2);
    });
    expect(told).toContain('refreshed "a" 1 0');
  });

  it("of an app that only has connections is read for them", async () => {
    await following();
    connected.set("b", undefined);
    publish(2, changeOf("b", 0));
    await vi.advanceTimersByTimeAsync(60);
    expect(reads).toEqual(["b"]);
  });

  it("of an app that nobody uses is not read", async () => {
    await following();
    publish(2, changeOf("a", 0));
    await vi.advanceTimersByTimeAsync(60);
    expect(reads).toEqual([]);
  });

  it("is not acted on any more when the agent has stopped", async () => {
    await following();
    connected.set("a", undefined);
    publish(2, changeOf("a", 0));
    agent.stop();
    await vi.advanceTimersByTimeAsync(60);
    expect(reads).toEqual([]);
  });
});

describe("a flush", () => {
  it("is counted by its reason, told of, and followed by open connections", async () => {
    await following();
    connected.set("a", undefined);
    publish(2, encodeFlush("operator", 0).live);
    publish(3, encodeFlush("operator", 0).live);
    expect([...agent.flushes]).toEqual([
      ["first-sync", 1],
      ["new-epoch", 1],
      ["requested", 2],
    ]);
    // The log's first message is nothing to look into.
    expect(agent.recentFlushes.list().map(([reason]) => reason)).toEqual([
      "first-sync",
      "requested",
      "requested",
    ]);
    expect(told.filter((line) => line.startsWith("flushed"))).toEqual([
      'flushed "requested"',
      'flushed "requested"',
    ]);
    await waitFor(() => {
      expect(connected.get("a")?.version).toBe(1);
    });
  });
});

describe("a flush while DynamoDB throttles", () => {
  it("deletes nothing: what was cached is served, connections stay, and reads of apps in use slow down", async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `app-${i}`);
    for (const id of ids) {
      table.set(id, app(id, 1));
      connected.set(id, undefined);
    }
    agent.start();
    await following();
    for (const id of ids) await agent.cache.findById(id);
    unreadable = Object.assign(new Error("too fast"), { name: "ProvisionedThroughputExceededException" });
    publish(2, encodeFlush("operator", 0).live);
    reads = [];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reads.length).toBeLessThanOrEqual(110);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(agent.connections.pace.perSecond).toBe(10);
    reads = [];
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reads.length).toBeLessThanOrEqual(110);
    for (const id of ids) expect((await agent.cache.findById(id))?.version).toBe(1);
    expect([agent.cache.size, connected.size]).toEqual([100, 100]);
    unreadable = undefined;
    table.set("app-7", app("app-7", 2));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(connected.get("app-7")?.version).toBe(2);
  });
});

describe("status", () => {
  it("before anything is known", () => {
    expect(agent.status()).toEqual({
      cursor: "",
      state: "down",
      leaseMsLeft: 0,
      entries: 0,
      lagMs: 0,
      hits: 0,
      misses: 0,
      reads: 0,
      appsInUse: 0,
      inUseBoundMs: 6_000,
    });
    expect(agent.leaseHeld).toBe(false);
  });

  it("tells cursor, rest of the lease, and entries", async () => {
    await following();
    await agent.cache.findById("a");
    await vi.advanceTimersByTimeAsync(500);
    expect(agent.status()).toMatchObject({
      cursor: "1-1",
      state: "following",
      leaseMsLeft: 2_500,
      entries: 1,
      hits: 0,
      misses: 1,
      reads: 1,
    });
    expect(agent.leaseHeld).toBe(true);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(agent.leaseHeld).toBe(false);
    expect(agent.status().leaseMsLeft).toBe(0);
  });
});

describe("reads", () => {
  it("are those of the table and of its index", async () => {
    await following();
    await agent.cache.findByKey("a-key");
    expect(agent.status().reads).toBe(2);
  });
});

describe("recent messages", () => {
  it("are told with their lag, each once, the oldest forgotten first", async () => {
    await following();
    publish(2, changeOf("a", 49_990));
    publish(3, changeOf("b", 49_970));
    expect(agent.recent.list()).toEqual([
      ["1-1", 50_000],
      ["1-2", 10],
      ["1-3", 30],
    ]);
    for (let seq = 4; seq <= 70; seq += 1) publish(seq, changeOf("a", 50_000));
    expect(agent.recent.list()).toHaveLength(64);
    expect(agent.recent.list()[0]).toEqual(["1-7", 0]);
  });

  it("acted on before its turn, a message counts from then", async () => {
    await following();
    logged = [
      { id: { epoch: 1, seq: 2 }, json: changeOf("a", 49_990) },
      { id: { epoch: 1, seq: 3 }, json: changeOf("b", 49_970) },
    ];
    // A hole: the message waits for the replay, and what it says is done now.
    publish(3, changeOf("b", 49_970));
    await vi.advanceTimersByTimeAsync(0);
    expect(agent.status()).toMatchObject({ state: "following", cursor: "1-3" });
    expect(agent.recent.list()).toEqual([
      ["1-1", 50_000],
      ["1-3", 30],
      ["1-2", 10],
    ]);
  });
});

describe("the heartbeat", () => {
  it("comes in its time, renews the lease, and tells of its loss and return once each", async () => {
    await agent.subscribed();
    expect(told).toEqual(['flushed "first-sync"', "lease true"]);
    agent.start();
    beats = 0;
    await vi.advanceTimersByTimeAsync(3 * HEARTBEAT);
    expect(beats).toBe(3);
    expect(told).toHaveLength(2);
    broken = new Error("away");
    await vi.advanceTimersByTimeAsync(4 * HEARTBEAT);
    expect(told.filter((line) => line.startsWith("lease"))).toEqual(["lease true", "lease false"]);
    expect(told.filter((line) => line === "heartbeat failed away")).toHaveLength(4);
    broken = undefined;
    await vi.advanceTimersByTimeAsync(HEARTBEAT);
    expect(told.at(-1)).toBe("lease true");
    agent.stop();
    beats = 0;
    await vi.advanceTimersByTimeAsync(3 * HEARTBEAT);
    expect(beats).toBe(0);
  });

  it("comes at once at a hole", async () => {
    await following();
    beats = 0;
    publish(3, changeOf("a", 0));
    await vi.advanceTimersByTimeAsync(0);
    expect(beats).toBe(1);
  });

  it("that finds another server has the subscription made anew", async () => {
    await following();
    tail = { ...tail, server: "other" };
    await agent.beat();
    expect([agent.follower.state, resubscribed]).toEqual(["down", 1]);
  });

  it("is one at a time; asked for meanwhile, one more follows", async () => {
    await following();
    beats = 0;
    await Promise.all([agent.beat(), agent.beat(), agent.beat()]);
    expect(beats).toBe(2);
    await agent.beat();
    expect(beats).toBe(3);
  });
});

describe("the verifier", () => {
  it("is off when it is told so", async () => {
    await following();
    await agent.cache.findById("a");
    agent.start();
    await vi.advanceTimersByTimeAsync(5 * HEARTBEAT);
    expect(agent.verifier.verified).toBe(0);
  });

  it("reads one cached app in its time, and tells what it finds stale, and what it could not read", async () => {
    agent = create(2_000);
    await following();
    agent.start();
    connected.set("a", (await agent.cache.findById("a")) ?? undefined);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(agent.verifier.verified).toBe(1);
    broken = new Error("throttled");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(told).toContain('load failed "an app to verify" throttled');
    broken = undefined;
    table.set("a", app("a", 2));
    // No message explains it within the grace of the stream.
    await vi.advanceTimersByTimeAsync(40_000);
    expect(told).toContain('stale "a"');
    expect(connected.get("a")?.version).toBe(2);
  });

  it("takes a message, and a flush, for the explanation", async () => {
    agent = create(2_000);
    await following();
    agent.start();
    for (const publishOne of [
      () => {
        publish(2, changeOf("a", 0));
      },
      () => {
        publish(3, encodeFlush("operator", 0).live);
      },
    ]) {
      const version = (await agent.cache.findById("a"))?.version ?? 0;
      table.set("a", app("a", version + 1));
      await vi.advanceTimersByTimeAsync(2_500);
      publishOne();
      await vi.advanceTimersByTimeAsync(40_000);
    }
    expect(told.filter((line) => line.startsWith("stale"))).toEqual([]);
  });
});

describe("the cache", () => {
  it("takes the lease from the follower, and tells of reads that fail", async () => {
    await following();
    expect((await agent.cache.findByKey("a-key"))?.id).toBe("a");
    reads = [];
    await agent.cache.findById("a");
    expect(reads).toEqual([]);
    broken = new Error("throttled");
    expect(await agent.cache.findById("b")).toBeNull();
    expect(told).toEqual(['load failed "app b" throttled']);
  });

  it("serves what it read for as long as heartbeats renew the lease", async () => {
    await following();
    agent.start();
    await agent.cache.findById("a");
    await vi.advanceTimersByTimeAsync(20_000);
    reads = [];
    expect((await agent.cache.findById("a"))?.id).toBe("a");
    expect(reads).toEqual([]);
  });

  it("gives connections what a read finds changed, without a message, when the lease is gone", async () => {
    await following();
    connected.set("a", undefined);
    const before = await agent.cache.findById("a");
    connected.set("a", before ?? undefined);
    await vi.advanceTimersByTimeAsync(8_001);
    table.set("a", app("a", 2));
    expect((await agent.cache.findById("a"))?.version).toBe(2);
    await waitFor(() => {
      expect(connected.get("a")?.version).toBe(2);
    });
  });
});

/** The connection of an app, as soketi enters it. */
const connectionOf = (id: string, given: TestApp | undefined) => {
  const connection = {
    id: "new",
    key: `${id}-key`,
    given,
    closed: 0,
    hasSecretOf: () => true,
    has: (one: TestApp) => connection.given === one,
    replace: (one: TestApp) => void (connection.given = one),
    close: (code: number) => void (connection.closed = code),
  };
  return connection;
};

describe("a connection that is entered", () => {
  it("costs no read when it has the app that is cached", async () => {
    await following();
    const cached = (await agent.cache.findById("a")) ?? undefined;
    agent.connections.entered("a", connectionOf("a", cached));
    await vi.advanceTimersByTimeAsync(60);
    expect(reads).toEqual(["a"]);
  });

  it("follows what its app has become since its lookup", async () => {
    await following();
    table.set("a", app("a", 2));
    const late = connectionOf("a", app("a", 1));
    agent.connections.entered("a", late);
    await vi.advanceTimersByTimeAsync(60);
    expect(late.given?.version).toBe(2);
  });

  it("is closed when its app is gone since", async () => {
    await following();
    table.delete("a");
    const late = connectionOf("a", app("a", 1));
    agent.connections.entered("a", late);
    await vi.advanceTimersByTimeAsync(60);
    expect(late.closed).toBe(4001);
  });

  it("is looked at again when its app was served in doubt, the table being away", async () => {
    await following();
    await agent.cache.findById("a");
    agent.start();
    // Nobody is connected: the doubt alone has it read by nobody.
    publish(2, encodeFlush("operator", 0).live);
    broken = new Error("down");
    const served = (await agent.cache.findById("a")) ?? undefined;
    expect(served?.version).toBe(1);
    connected.set("a", served);
    agent.connections.entered("a", connectionOf("a", served));
    broken = undefined;
    tail = { last: { epoch: 1, seq: 2 }, server: "s" };
    table.set("a", app("a", 2));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(agent.leaseHeld).toBe(true);
    expect(connected.get("a")?.version).toBe(2);
  });

  it("whose app cannot be read follows with the others, when it can be", async () => {
    await following();
    agent.start();
    broken = new Error("down");
    connected.set("a", app("a", 1));
    agent.connections.entered("a", connectionOf("a", app("a", 1)));
    await vi.advanceTimersByTimeAsync(500);
    broken = undefined;
    table.set("a", app("a", 2));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(connected.get("a")?.version).toBe(2);
  });
});

describe("without Redis", () => {
  it("open connections follow all the same, though nobody asks for their app", async () => {
    await following();
    agent.start();
    connected.set("a", (await agent.cache.findById("a")) ?? undefined);
    broken = new Error("no Redis");
    await vi.advanceTimersByTimeAsync(3_000);
    broken = undefined;
    // Heartbeats fail from here on, and the table can be read.
    agent.follower.onLost();
    vi.spyOn(agent.follower, "heartbeat").mockRejectedValue(new Error("no Redis"));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(agent.leaseHeld).toBe(false);
    table.set("a", app("a", 2));
    await vi.advanceTimersByTimeAsync(6_100);
    expect(connected.get("a")?.version).toBe(2);
    expect(agent.status()).toMatchObject({ appsInUse: 1, inUseBoundMs: 6_000 });
  });

  it("the fleet is as large as the registry last showed", async () => {
    tail = { server: "s", nodes: 40 };
    await agent.beat();
    expect(agent.connections.pace.perSecond).toBe(50);
    broken = new Error("no Redis");
    await agent.beat();
    expect(agent.connections.pace.perSecond).toBe(50);
  });
});

describe("an app that is deleted", () => {
  it("is told of when a message says so", async () => {
    await following();
    const [deleted] = encodeChanges([{ appId: "a", type: "deleted", keys: ["a-key"], changed: [] }], {
      table: "apps",
      at: 0,
    });
    publish(2, deleted?.live ?? "");
    expect(gone).toEqual(["a"]);
  });

  it("is told of when a read finds it gone, and not when it finds another version of it", async () => {
    await following();
    for (const id of ["a", "b"]) await agent.cache.findById(id);
    table.delete("a");
    table.set("b", app("b", 2));
    agent.cache.flush();
    for (const id of ["a", "b"]) await agent.cache.findById(id);
    expect(gone).toEqual(["a"]);
  });

  it("is found gone also where nobody wants to be told", async () => {
    agent = create(0, {});
    await following();
    await agent.cache.findById("a");
    table.delete("a");
    agent.cache.flush();
    expect([await agent.cache.findById("a"), agent.cache.stats.loadErrors]).toEqual([null, 0]);
  });
});

it("what was not found is forgotten in time, without anybody asking", async () => {
  agent.start();
  await agent.cache.findByKey("nobody-key");
  expect(agent.cache.missing).toBeGreaterThan(0);
  await vi.advanceTimersByTimeAsync(62_000);
  expect(agent.cache.missing).toBe(0);
});
