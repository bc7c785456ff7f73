import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../src/redis/fleet.ts";
import { Observer } from "../../../src/console/observer.ts";
import type { LogEntry } from "../../../src/protocol/live.ts";
import type { MessageId } from "../../../src/protocol/message-id.ts";
import type { RecentMessage, RegisteredNode } from "../../../src/protocol/node.ts";

const T = 1_764_000_000_000;

/** A log in memory, and the nodes of the test. */
class FakeFleet implements Pick<Fleet, "ask" | "tail" | "messages"> {
  log: LogEntry[] = [];
  nodes: RegisteredNode[] = [];
  reads = 0;
  /** Redis' clock. */
  clock = Date.now();
  ask = () => Promise.resolve(this.nodes);
  now = () => Promise.resolve(this.clock);
  tail = () => Promise.resolve(this.log.at(-1)?.id);
  messages = (after?: MessageId) => {
    this.reads += 1;
    const rest = this.log.filter(
      ({ id }) => !after || id.epoch > after.epoch || (id.epoch === after.epoch && id.seq > after.seq),
    );
    return Promise.resolve(rest.slice(0, 1_000));
  };
  append(value: object | string, epoch = 1): void {
    const seq = (this.log.at(-1)?.id.seq ?? 0) + 1;
    this.log.push({ id: { epoch, seq }, json: typeof value === "string" ? value : JSON.stringify(value) });
  }
}

const change = (appId: string, at = T, more: object = {}) => ({
  v: 1,
  table: "apps",
  at,
  changes: [{ appId, type: "updated", keys: [], changed: ["secret"], ...more }],
});

function node(id: string, recent: RecentMessage[], counted: { hits?: number; reads?: number } = {}) {
  const status = {
    cursor: "1-1",
    state: "following",
    leaseMsLeft: 2_000,
    entries: 1,
    lagMs: 0,
    hits: 0,
    misses: 0,
    reads: 0,
    ...counted,
  };
  const entry = { host: "h", pid: 1, agent: "0", soketi: "1.6.1", ...status };
  return { id, entry, answer: { ...entry, node: id, recent } };
}

const idsOf = (observer: Observer) => observer.changes.map(({ appId }) => appId);

describe("Observer", () => {
  it("shows what is in the log, the newest first, and tells what is new", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    expect(await observer.follow()).toEqual([]);
    fleet.append(change("a"));
    fleet.append(change("b"));
    expect((await observer.follow()).map(({ appId }) => appId)).toEqual(["a", "b"]);
    expect(idsOf(observer)).toEqual(["b", "a"]);
    const before = fleet.reads;
    expect(await observer.follow()).toEqual([]);
    expect(fleet.reads).toBe(before);
  });

  it("leaves an app out that changes by itself, however often; a flush and all others are shown", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet, { quietApp: "app-sync-canary" });
    fleet.append(change("a"));
    for (let n = 0; n < 300; n += 1) fleet.append(change("app-sync-canary"));
    fleet.append({ v: 1, flush: "asked for", at: T });
    expect((await observer.follow()).map(({ appId }) => appId)).toEqual(["a", undefined]);
    fleet.append(change("app-sync-canary"));
    fleet.append(change("b"));
    expect((await observer.follow()).map(({ appId }) => appId)).toEqual(["b"]);
    expect(idsOf(observer)).toEqual(["b", undefined, "a"]);
  });

  it("keeps the last 200, however many come at once", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    await observer.follow();
    for (let i = 0; i < 2_500; i += 1) fleet.append(change(`app-${i}`, T + 2_000 * i));
    expect(await observer.follow()).toHaveLength(2_500);
    expect(observer.changes).toHaveLength(200);
    expect(idsOf(observer)[0]).toBe("app-2499");
  });

  it("shows what many apps go through at once as one row, and who else is changed meanwhile", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    await observer.follow();
    fleet.append(change("before", T - 5_000));
    for (let i = 0; i < 500; i += 1) fleet.append(change(`app-${i}`, T + i));
    fleet.append(change("another", T + 500, { type: "deleted", changed: [] }));
    await observer.follow();
    for (let i = 500; i < 1_000; i += 1) fleet.append(change(`app-${i}`, T + i));
    fleet.nodes = [node("x", [["1-1001", 40]]), node("y", [["1-1002", 7]])];
    expect(await observer.follow()).toHaveLength(500);
    await observer.ask(T);
    const shown = JSON.parse(JSON.stringify(observer.changes)) as typeof observer.changes;
    expect(shown).toMatchObject([
      { appId: "another", type: "deleted" },
      {
        type: "updated",
        at: T,
        changed: ["secret"],
        bulk: { changes: 1_000, apps: 1_000, named: ["app-0", "app-1", "app-2"] },
        // The other one has not come to the last of them.
        drops: { y: 7 },
      },
      { appId: "before" },
    ]);
    expect(shown[1]).not.toHaveProperty("appId");
    fleet.append(change("after", T + 9_000));
    await observer.follow();
    expect(idsOf(observer)).toEqual(["after", "another", undefined, "before"]);
  });

  it("says of one app that is changed again and again how often", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    for (let i = 0; i < 12; i += 1) fleet.append(change("a", T + i));
    await observer.follow();
    expect(observer.changes).toMatchObject([{ appId: "a", bulk: { changes: 12, apps: 1 } }]);
  });

  it("begins anew with a log that was restored, whose ids are smaller", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    for (let i = 0; i < 5; i += 1) fleet.append(change(`app-${i}`));
    await observer.follow();
    fleet.log = [];
    expect(await observer.follow()).toEqual([]);
    fleet.append(change("restored"));
    await observer.follow();
    expect(idsOf(observer)[0]).toBe("restored");
  });

  it("shows flushes, and messages that nobody can read", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    fleet.append({ v: 1, flush: "restored", at: T });
    fleet.append("{");
    fleet.append({ v: 9 });
    await observer.follow();
    expect(observer.changes.map(({ type, reason }) => [type, reason])).toEqual([
      ["flush", "a message of another protocol version"],
      ["flush", "an unreadable message"],
      ["flush", "restored"],
    ]);
  });

  it("tells of each node when it dropped what, and counts each drop once", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    fleet.append(change("a"));
    fleet.nodes = [node("x", [["1-1", 900]])];
    await observer.follow();
    await observer.ask(T);
    expect(observer.changes[0]?.drops).toEqual({ x: 900 });
    // What was before the first question belongs to no time that is shown.
    expect(observer.series.points(T).at(-1)?.max).toBeNull();
    fleet.append(change("b"));
    const recent: RecentMessage[] = [
      ["1-1", 900],
      ["1-2", 7],
    ];
    // The node may tell of a message before the log is read.
    fleet.nodes = [node("x", recent), { ...node("y", []), answer: undefined }];
    await observer.ask(T + 1_000);
    await observer.follow();
    await observer.ask(T + 2_000);
    expect(observer.changes[0]?.drops).toEqual({ x: 7 });
    expect(observer.series.points(T + 2_000).at(-1)).toMatchObject({ p50: 7, max: 7 });
  });

  it("forgets nodes that are gone", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    fleet.nodes = [node("x", [], { hits: 100 })];
    await observer.ask(T);
    fleet.nodes = [];
    await observer.ask(T + 600_000);
    // Its past is not what it did in the last second.
    fleet.nodes = [node("x", [["1-1", 5_000]], { hits: 9_000 })];
    await observer.ask(T + 601_000);
    expect(observer.series.points(T + 605_000).at(-2)).toMatchObject({ max: null, hitsPerSecond: 0 });
  });
});

describe("the log", () => {
  it("was there or was not: this console has seen it, or a node has", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    await observer.follow();
    fleet.nodes = [node("x", [])];
    await observer.ask(T);
    expect(observer.logState).toBe("none");
    fleet.nodes = [node("x", [["1-1", 7]])];
    await observer.ask(T);
    expect(observer.logState).toBe("gone");
    fleet.append(change("a"));
    await observer.follow();
    expect(observer.logState).toBe("there");
    fleet.log = [];
    await observer.follow();
    expect(observer.logState).toBe("gone");
  });
});

describe("clocks", () => {
  const at = (one: ReturnType<typeof node>, ms: number) => ({
    ...one,
    answer: { ...one.answer, at: ms, lagMs: 90_000 },
  });

  it("that differ are told of, and nothing is measured by them", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    await observer.follow();
    fleet.nodes = [at(node("ahead", []), fleet.clock + 90_000), at(node("right", []), fleet.clock)];
    await observer.ask(T);
    fleet.append(change("a", fleet.clock - 10));
    await observer.follow();
    const recent: RecentMessage[] = [["1-1", 90_007]];
    fleet.nodes = [
      at(node("ahead", recent), fleet.clock + 90_000),
      at(node("right", [["1-1", 7]]), fleet.clock),
    ];
    await observer.ask(T + 1_000);
    expect(observer.clocks).toEqual([{ of: "node", node: "ahead", ms: 90_000 }]);
    expect(observer.changes[0]?.drops).toEqual({ right: 7 });
    expect(observer.series.points(T + 1_000).at(-1)?.max).toBe(7);
    expect(observer.nodes.map(({ lagMs }) => lagMs)).toEqual([null, 90_000]);
  });

  it("the function's makes every lag wrong; that of who announces says nothing of it", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    fleet.append({ ...change("a", fleet.clock + 60_000), by: "somebody" });
    await observer.follow();
    fleet.nodes = [node("x", [["1-2", 5]])];
    await observer.ask(T);
    expect(observer.clocks).toEqual([]);
    fleet.append(change("b", fleet.clock + 60_000));
    await observer.follow();
    await observer.ask(T);
    await observer.ask(T);
    expect(observer.clocks).toEqual([{ of: "function", node: null, ms: 60_000 }]);
    expect(observer.changes[0]?.drops).toEqual({});
    fleet.append(change("c", fleet.clock));
    await observer.follow();
    await observer.ask(T);
    expect(observer.clocks).toEqual([]);
  });

  it("this machine's is named", async () => {
    const fleet = new FakeFleet();
    fleet.clock -= 3_600_000;
    const observer = new Observer(fleet);
    await observer.ask(T);
    expect(observer.clocks).toMatchObject([{ of: "console", node: null }]);
  });
});

describe("previous secrets", () => {
  it("are told with their uses, the latest first", async () => {
    const fleet = new FakeFleet();
    const use = (appId: string, lastTakenAt: number) => ({
      appId,
      until: 9,
      taken: 2,
      refused: 0,
      lastTakenAt,
      lastRefusedAt: null,
    });
    const using = (id: string, ...previousSecrets: ReturnType<typeof use>[]) => {
      const one = node(id, []);
      return { ...one, answer: { ...one.answer, previousSecrets } };
    };
    fleet.nodes = [using("x", use("a", 5), use("b", 7)), using("y", use("a", 6))];
    const observer = new Observer(fleet);
    await observer.ask(T);
    expect(observer.previousSecrets).toMatchObject([
      { appId: "b", taken: 2, nodes: 1 },
      { appId: "a", taken: 4, nodes: 2, lastTakenAt: 6 },
    ]);
  });
});

describe("the time of a write made here", () => {
  const limit = (value: number) => ({
    changed: ["limits.maxConnections"],
    app: { id: "acme", key: "k", limits: { maxConnections: value } },
  });
  const write = { appId: "acme", path: "limits.maxConnections", value: 5, at: T - 100 };

  it("goes to its change, whichever is known first", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    observer.wrote(write);
    fleet.append(change("other", T, limit(5)));
    fleet.append(change("acme", T, limit(5)));
    await observer.follow();
    expect(observer.changes.map(({ wroteAt }) => wroteAt)).toEqual([T - 100, undefined]);
    fleet.append(change("acme", T + 500, limit(6)));
    await observer.follow();
    observer.wrote({ ...write, value: 6, at: T + 400 });
    expect(observer.changes[0]?.wroteAt).toBe(T + 400);
  });

  it("is not lent to a later change by a write that changed nothing", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    observer.wrote(write);
    fleet.append(change("acme", T + 20_000, limit(7)));
    fleet.append(change("acme", T + 30_000, limit(5)));
    await observer.follow();
    expect(observer.changes.map(({ wroteAt }) => wroteAt)).toEqual([undefined, undefined]);
  });

  it("is the oldest of those that became one change", async () => {
    const fleet = new FakeFleet();
    const observer = new Observer(fleet);
    observer.wrote({ appId: "acme", path: "secret", at: T - 200 });
    observer.wrote({ appId: "acme", path: "secret", at: T - 100 });
    fleet.append(change("acme", T));
    fleet.append(change("acme", T + 1));
    await observer.follow();
    expect(observer.changes.map(({ wroteAt }) => wroteAt)).toEqual([undefined, T - 200]);
  });
});
