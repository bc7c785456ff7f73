import { describe, expect, it } from "vitest";
import { checkClocks } from "../../../src/cli/doctor/clocks.ts";
import { skewOf } from "../../../src/fleet/clock-skew.ts";
import { checkFlushes } from "../../../src/cli/doctor/flushes.ts";
import { checkItems } from "../../../src/cli/doctor/items.ts";
import { checkNodes } from "../../../src/cli/doctor/nodes.ts";
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
  const look = (nodes: RegisteredNode[], more: { expected?: number; server?: string } = {}) =>
    complaints(
      checkNodes(nodes, { epoch: 5, seq: 1 }, "0.1.0", {
        expected: undefined,
        elsewhere: [],
        server: "r/p",
        ...more,
      }),
    );

  it("are well", () => {
    expect(look([node("a"), node("b")], { expected: 2 })).toEqual([]);
  });

  it("are fewer than there must be: one without the agent is not seen", () => {
    expect(look([node("a")], { expected: 2 })).toEqual(["fail nodes: expected 2 nodes, found 1 that answer"]);
  });

  it("follow another Redis than the pipeline, or than the rest", () => {
    expect(look([node("a"), node("b", { server: "s/p" })])).toEqual([
      "fail nodes' redis: 1 node on another server than the pipeline: b 1",
    ]);
  });

  it("left without saying so", () => {
    const { answer: _, ...left } = node("b");
    expect(look([node("a"), { ...left, silentMs: 90_000 }])).toEqual([
      "fail node b 1: it vanished, last seen 90 s ago",
    ]);
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
