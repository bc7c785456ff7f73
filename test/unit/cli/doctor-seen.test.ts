import { describe, expect, it } from "vitest";
import { checkClocks } from "../../../src/cli/doctor/clocks.ts";
import { skewOf } from "../../../src/fleet/clock-skew.ts";
import { checkFlushes } from "../../../src/cli/doctor/flushes.ts";
import { checkItems } from "../../../src/cli/doctor/items.ts";
import { lastOfFunction, messagesOfLastHour } from "../../../src/cli/doctor/last-hour.ts";
import { checkListeners } from "../../../src/cli/doctor/listeners.ts";
import { checkNodes, type FleetExpectations } from "../../../src/cli/doctor/nodes.ts";
import { checkPreviousSecrets } from "../../../src/cli/doctor/previous-secrets.ts";
import { checkLog } from "../../../src/cli/doctor/redis.ts";
import type { Check } from "../../../src/cli/doctor/check.ts";
import type { LogEntry } from "../../../src/protocol/live.ts";
import type { Answer, RegisteredNode } from "../../../src/protocol/node.ts";

const T = 1_764_000_000_000;
const HOUR = 3_600_000;

function node(id: string, said: Partial<Answer> = {}): RegisteredNode {
  const entry = { host: id, pid: 1, agent: "0.1.0", soketi: "1.6.1" };
  const counted = { entries: 0, lagMs: 0, hits: 0, misses: 0, reads: 0, recent: [] };
  const state = { cursor: "5-1", state: "following", leaseMsLeft: 2_000 };
  return { id, entry, answer: { ...entry, ...counted, ...state, node: id, at: T, server: "r/p", ...said } };
}

function message(value: object, seq = 1): LogEntry {
  return { id: { epoch: 5, seq }, json: JSON.stringify({ v: 1, ...value }) };
}

const changeAt = (at: number, writtenAt?: number) =>
  message({
    table: "apps",
    at,
    changes: [{ appId: "a", type: "updated", keys: [], changed: [], writtenAt }],
  });

const complaints = (checks: readonly Check[]) =>
  checks.filter(({ level }) => level !== "ok").map(({ level, name, found }) => `${level} ${name}: ${found}`);

describe("clocks", () => {
  const read = { from: T, to: T + 40 };
  const machine = { at: T + 20, read };

  it("agree when each was read between two readings of Redis'", () => {
    expect(skewOf(T + 20, read)).toBe(0);
    expect(complaints(checkClocks(machine, [node("a")], read, changeAt(T - 50, T - 500)))).toEqual([]);
    expect(
      complaints(checkClocks({ at: T + 900, read }, [node("a", { at: T - 900 })], read, undefined)),
    ).toEqual([]);
  });

  it.each<[string, Check[]]>([
    ["this machine's is 90.0 s ahead of", checkClocks({ at: read.to + 90_000, read }, [], read, undefined)],
    ["this machine's is 90.0 s behind", checkClocks({ at: T - 90_000, read }, [], read, undefined)],
    [
      "that of node a 1 is 90.0 s behind",
      checkClocks(machine, [node("a", { at: T - 90_000 })], read, undefined),
    ],
    ["the function's is 90.0 s ahead of", checkClocks(machine, [], read, changeAt(read.to + 90_000))],
    ["the function's is 90.0 s behind", checkClocks(machine, [], read, changeAt(T - 90_000, T))],
  ])("%s Redis'", (found, checks) => {
    expect(complaints(checks)).toEqual([`warning clocks: ${found} Redis'`]);
  });
});

it("the function's last message is none that somebody has announced, by a clock of theirs", () => {
  const own = changeAt(T - 50);
  const announced = [
    message({ table: "apps", at: T + 90_000, by: "alice", changes: [{ appId: "a", keys: [], changed: [] }] }),
    message({ flush: "restored", at: T + 90_000, by: "alice" }),
  ];
  expect(lastOfFunction([own, ...announced])).toBe(own);
  expect(lastOfFunction(announced)).toBeUndefined();
});

describe("who listens under the prefix", () => {
  it("is registered here, or is in another database", () => {
    expect(checkListeners(2, [node("a"), node("b")])).toEqual([]);
    // One whose subscription is gone for a moment.
    expect(checkListeners(1, [node("a"), node("b")])).toEqual([]);
    expect(complaints(checkListeners(3, [node("a"), node("b")]))).toEqual([
      "warning database: 3 programs listen under this prefix, and 2 are registered in this database",
    ]);
    expect(complaints(checkListeners(1, []))).toEqual([
      "warning database: 1 program listens under this prefix, and none is registered in this database",
    ]);
  });
});

describe("flushes of the last hour", () => {
  it("are not those of before, nor a node's start", () => {
    const before = message({ flush: "long ago", at: T - 2 * HOUR });
    const nodes = [node("a", { flushes: [["first-sync", 1_000], ["server-changed", 2 * HOUR]] })]; // prettier-ignore
    expect(complaints(checkFlushes([before, changeAt(T)], nodes, T))).toEqual([]);
  });

  it("are those in the log, and those that nodes came to by themselves, by reason", () => {
    const nodes = [
      node("a", { flushes: [["new-epoch", 90_000]] }),
      node("b", { flushes: [["new-epoch", 30_000]] }),
    ];
    expect(complaints(checkFlushes([message({ flush: "table restored", at: T - 1_000 })], nodes, T))).toEqual(
      [
        "warning flushes: 1 flush in the log within an hour, the last: table restored",
        "warning flushes: 2 nodes flushed (new-epoch), the last 30 s ago",
      ],
    );
  });
});

describe("the log", () => {
  it("that is gone is told from one that has not begun", () => {
    expect(checkLog("log", undefined, [node("a", { cursor: "" })]).found).toContain("there is no log");
    expect(checkLog("log", undefined, [node("a")]).found).toContain(
      "is gone: node a 1 had followed it to 5-1",
    );
  });
});

describe("nodes", () => {
  const look = (nodes: RegisteredNode[], more: Partial<FleetExpectations> = {}) =>
    complaints(
      checkNodes(nodes, { epoch: 5, seq: 1 }, "0.1.0", {
        expected: undefined,
        elsewhere: [],
        server: "r/p",
        hasSharedCache: false,
        ...more,
      }),
    );

  it("are well", () => {
    expect(look([node("a"), node("b")], { expected: 2 })).toEqual([]);
  });

  it("are none: well only where a shared cache may be all that there is", () => {
    expect(look([])).toEqual(["fail nodes: no node is registered"]);
    const hasSharedCache = true;
    const skipped =
      "skipped nodes: none with the agent is registered: those on the shared cache cannot be seen";
    expect(look([], { hasSharedCache })).toEqual([skipped]);
    expect(look([], { hasSharedCache, expected: 2 })).toEqual(["fail nodes: expected 2 nodes, found none"]);
    expect(look([], { hasSharedCache, elsewhere: ["{b}"] })).toEqual(["fail nodes: no node is registered"]);
  });

  it("are fewer than there must be: one without the agent is not seen", () => {
    expect(look([node("a")], { expected: 2 })).toEqual(["fail nodes: expected 2 nodes, found 1 that answer"]);
  });

  it("follow another Redis than the pipeline, or than the rest", () => {
    expect(look([node("a"), node("b", { server: "s/p" })])).toEqual([
      "fail nodes' redis: 1 node on another server than the pipeline: b 1",
    ]);
  });

  it("follow one Redis as far as they say which: a silent first one makes no other wrong", () => {
    const { answer: _, ...silent } = node("a");
    const cluster = look([silent, node("b"), node("c")], { server: undefined });
    expect(cluster).toEqual(["fail node a 1: it does not answer"]);
    const split = look([silent, node("b"), node("c", { server: "s/p" })], { server: undefined });
    expect(split).toContain("fail nodes' redis: 1 node on another server than the rest: c 1");
  });

  it("left without saying so", () => {
    const { answer: _, ...left } = node("b");
    expect(look([node("a"), { ...left, silentMs: 90_000 }])).toEqual([
      "fail node b 1: it vanished, last seen 90 s ago",
    ]);
  });
});

describe("what nodes say of themselves", () => {
  const { answer: _, ...silent } = node("b");
  const read = { from: T, to: T + 40 };
  const machine = { at: T + 20, read };
  const version = "0.1.0";
  const from = (nodes: RegisteredNode[]) => [
    ...checkFlushes([], nodes, T),
    ...checkClocks(machine, nodes, read, undefined),
    ...checkNodes(nodes, { epoch: 5, seq: 1 }, version, {
      expected: 1,
      elsewhere: [],
      server: "r/p",
      hasSharedCache: false,
    }),
    ...checkPreviousSecrets(nodes, T),
  ];

  it("was not looked at where none answers, and of some only where those are", () => {
    const unseen = (nodes: RegisteredNode[]) =>
      from(nodes).filter(({ level }) => level === "not checked").map(({ name }) => name); // prettier-ignore
    expect(unseen([silent])).toEqual(["flushes", "clocks", "nodes' redis", "previous secrets"]);
    expect(unseen([node("a", { previousSecrets: [] }), silent])).toEqual([]);
    const some = from([node("a", { previousSecrets: [] }), silent]);
    expect(some.filter(({ found }) => found.endsWith(", on 1 of 2 nodes")).map(({ name }) => name)).toEqual([
      "flushes",
      "clocks",
      "nodes' redis",
      "previous secrets",
    ]);
  });
});

describe("the messages of the last hour", () => {
  /** One of each second, the last of them now; `messages` reads as Redis does. */
  const logOf = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
  const at = (seq: number, count: number) => T - (count - seq) * 1_000;
  const reader = (count: number, first = 1) => ({
    reads: 0,
    messages(after?: { seq: number }) {
      this.reads += 1;
      const page = logOf(count).filter((seq) => seq >= first && seq > (after?.seq ?? 0)).slice(0, 1_000); // prettier-ignore
      return Promise.resolve(page.map((seq) => message({ flush: `${seq}`, at: at(seq, count) }, seq)));
    },
  });

  it("are read to their beginning, however many there are, and no further", async () => {
    const log = reader(20_000);
    const found = await messagesOfLastHour(log, { epoch: 5, seq: 20_000 }, T);
    expect(found.map(({ id }) => id.seq)).toEqual(logOf(20_000).slice(16_000));
    expect(log.reads).toBe(4);
    expect(await messagesOfLastHour(log, undefined, T)).toEqual([]);
  });

  it("are those that the log still has", async () => {
    const found = await messagesOfLastHour(reader(2_500, 1_200), { epoch: 5, seq: 2_500 }, T);
    expect(found.map(({ id }) => id.seq)).toEqual(logOf(2_500).slice(1_199));
    const short = await messagesOfLastHour(reader(3), { epoch: 5, seq: 3 }, T);
    expect(short).toHaveLength(3);
  });
});

describe("items", () => {
  async function* pages(...items: Record<string, { S: string }>[]) {
    yield await Promise.resolve(items as never);
  }
  const app = (id: string, more = {}) => ({
    AppId: { S: id },
    AppKey: { S: `${id}-key` },
    AppSecret: { S: `${id}-secret` },
    ...more,
  });

  it("are well, and each has a key of its own", async () => {
    expect(complaints(await checkItems(pages(app("a"), app("b"))))).toEqual([]);
  });

  it("have errors and warnings, share a key, or have an id that is another's key", async () => {
    const found = complaints(
      await checkItems(
        pages(
          app("bad", { Enabled: { S: "perhaps" } }),
          app("odd", { Enabled: { S: "no" } }),
          app("one", { AppKey: { S: "same" } }),
          app("two", { AppKey: { S: "same" } }),
        ),
      ),
    );
    expect(found).toEqual([
      expect.stringContaining("items: 1 item of 4 with errors: bad") as string,
      expect.stringContaining("warning items: 1 item of 4 with warnings: odd") as string,
      expect.stringContaining("fail keys: 2 apps in conflict") as string,
    ]);
  });
});
