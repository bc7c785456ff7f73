import { describe, expect, it } from "vitest";
import { canaryFact } from "../../../src/console/page/canary.ts";
import { namesOf } from "../../../src/console/page/node-names.ts";
import { stateOf } from "../../../src/console/page/node-state.ts";
import { isFresh, verdictOf } from "../../../src/console/page/verdict.ts";
import type { ConsoleState } from "../../../src/console/state.ts";
import type { CanaryVerdict, MeasuredChange } from "../../../src/fleet/canary-verdict.ts";
import type { NodeView } from "../../../src/fleet/node-view.ts";
import { canaryResult } from "../../factories/canary-result.ts";

const node = (id: string, more: Partial<NodeView> = {}): NodeView => ({
  node: id,
  host: id,
  pid: 1,
  soketi: "1.6.1",
  agent: "0.1.0",
  answers: true,
  lastSeenMsAgo: null,
  state: "following",
  behind: 0,
  leaseMsLeft: 2_000,
  entries: 0,
  hitRatio: null,
  lagMs: null,
  appsInUse: null,
  inUseBoundMs: null,
  leaseMs: 3_000,
  degradedTtlMs: 5_000,
  flushes: [],
  ...more,
});

const state = (nodes: NodeView[], more: Partial<ConsoleState> = {}): ConsoleState => ({
  now: 0,
  table: "apps",
  log: "log",
  tail: "1-1",
  logState: "there",
  redisTrouble: null,
  tableTrouble: null,
  askedAt: 0,
  clocks: [],
  previousSecrets: [],
  canary: null,
  points: [],
  changes: [],
  local: null,
  nodes,
  ...more,
});

const MEASURED: MeasuredChange = {
  state: "well",
  agoMs: 20_000,
  byHand: false,
  result: canaryResult({ at: 1 }),
};
const LATE = { ...MEASURED, state: "late", result: { ...MEASURED.result, totalMs: 2_500 } } as const;
const MISSING = {
  ...MEASURED,
  state: "incomplete",
  result: { ...MEASURED.result, missing: ["h 7"] },
} as const;

const silent = { answers: false, leaseMsLeft: 0 };

describe("a node's name", () => {
  it("is its pid on one host, its host where each has its own, and both else", () => {
    const named = (nodes: NodeView[]) => nodes.map((one) => namesOf(nodes, null)(one.node));
    const on = (host: string, pid: number) => node(`${host}-${pid}`, { host, pid });
    expect(named([on("a", 7), on("a", 8)])).toEqual(["node 7", "node 8"]);
    expect(named([on("pod-x", 1), on("pod-y", 1)])).toEqual(["pod-x", "pod-y"]);
    expect(named([on("a", 7), on("a", 8), on("b", 7)])).toEqual(["a:7", "a:8", "b"]);
  });

  it("is that of the local stack there", () => {
    const local = [{ pid: 8, name: "node 2", frozen: false, state: "running" as const }];
    const nodes = [node("x", { host: "a", pid: 8 }), node("y", { host: "a", pid: 9 })];
    expect(nodes.map((one) => namesOf(nodes, local)(one.node))).toEqual(["node 2", "node 9"]);
  });
});

describe("the verdict", () => {
  const left = { ...silent, lastSeenMsAgo: 125_000 };

  it.each<[string, string, ConsoleState]>([
    ["good", "All 2 nodes are up to date.", state([node("a"), node("b")])],
    [
      "good",
      "The node is up to date: nothing was published yet.",
      state([node("a")], { tail: null, logState: "none" }),
    ],
    ["warn", "The log is gone: it was deleted", state([node("a")], { tail: null, logState: "gone" })],
    ["warn", "No node is registered.", state([node("f", { soketi: null, answers: false })])],
    ["warn", "1 of 2 nodes are catching up.", state([node("a"), node("b", { behind: null })])],
    [
      "bad",
      "Table apps cannot be read: DynamoDB did not answer within 5 s.",
      state([node("a")], { tableTrouble: "DynamoDB did not answer within 5 s" }),
    ],
    [
      "bad",
      "Nothing is known at the moment: no Redis. The nodes",
      state([node("a")], { redisTrouble: "no Redis" }),
    ],
    ["bad", "b has no lease: without Redis", state([node("a"), node("b", { leaseMsLeft: 0 })])],
    ["bad", "a does not answer, b has no lease:", state([node("a", silent), node("b", { leaseMsLeft: 0 })])],
    [
      "bad",
      "a vanished, last seen 2 min ago: without Redis nothing older than 5 s",
      state([node("a", left), node("b")]),
    ],
    [
      "bad",
      "a has no lease, b does not answer: without Redis nothing older than 7.5 s is served without a new read.",
      state([node("a", { leaseMsLeft: 0 }), node("b", { ...silent, degradedTtlMs: 7_500 }), node("c")]),
    ],
    [
      "bad",
      "node 1 does not answer: without Redis nothing is served without a new read.",
      state([node("a", { ...silent, degradedTtlMs: 0 })]),
    ],
    [
      "bad",
      "a does not answer, b does not answer, c does not answer, and 2 more of 5:",
      state(["a", "b", "c", "d", "e"].map((id) => node(id, silent))),
    ],
  ])("%s: %s", (level, text, seen) => {
    const verdict = verdictOf(seen, { connected: true, ageMs: 500 });
    expect(verdict.level).toBe(level);
    expect(verdict.text.slice(0, text.length)).toBe(text);
  });

  it.each<[string, string, CanaryVerdict | null, string | null]>([
    ["good", "All 2 nodes are up to date.", null, null],
    ["good", "All 2 nodes are up to date.", MEASURED, "310 ms to all 2 nodes, 20 s ago"],
    [
      "good",
      "All 2 nodes are up to date. How long changes take is not measured: there is no canary.",
      { state: "off" },
      "off",
    ],
    [
      "bad",
      "The canary last ran 5 min ago: nothing measures whether changes arrive.",
      { state: "not-run", agoMs: 300_000, intervalMs: 60_000 },
      "last ran 5 min ago",
    ],
    [
      "bad",
      "The canary's change of 20 s ago did not reach the log.",
      { ...MEASURED, state: "no-message" },
      "not in the log, 20 s ago",
    ],
    [
      "bad",
      "The canary's change of 20 s ago had no registered node to confirm it.",
      { ...MEASURED, state: "no-node" },
      "no node, 20 s ago",
    ],
    [
      "bad",
      "The canary's change of 20 s ago was not confirmed by h 7.",
      MISSING,
      "not on every node, 20 s ago",
    ],
    [
      "warn",
      "The canary's change of 20 s ago took 2500 ms to the last node, more than 2 s.",
      LATE,
      "2500 ms to all 2 nodes, 20 s ago",
    ],
    // Hours ago, perhaps, and nothing since.
    [
      "good",
      "All 2 nodes are up to date. How long changes take is not measured: there is no canary.",
      { ...MISSING, byHand: true },
      "none; by hand: not on every node, 20 s ago",
    ],
  ])("is %s with a canary: %s", (level, text, canary, fact) => {
    const seen = state([node("a"), node("b")], { canary });
    expect(verdictOf(seen, { connected: true, ageMs: 500 })).toEqual({ level, text });
    expect(canaryFact(seen)).toBe(fact);
  });

  it("says that there is none in the local stack", () => {
    const { text } = verdictOf(state([node("a")], { canary: { state: "off" }, local: [] }), {
      connected: true,
      ageMs: 0,
    });
    expect(text).toMatch(/is not measured: the local stack has no canary\.$/);
  });

  it("names all that is wrong, the worst first", () => {
    const seen = state([node("a", { behind: 3 }), node("b", left)], { tail: null, logState: "gone" });
    expect(verdictOf(seen, { connected: true, ageMs: 0 })).toEqual({
      level: "bad",
      text: expect.stringMatching(/^b vanished, .* catching up\. The log is gone/) as string,
    });
  });

  it.each([
    [
      "the connection is lost",
      { connected: false, ageMs: 12_000 },
      /^Lost the connection .* seen 12 s ago\.$/,
    ],
    ["the nodes were asked too long ago", { connected: true, ageMs: 5_000 }, /^Nothing .* seen 5 s ago\.$/],
    ["they were never asked", { connected: true, ageMs: null }, /^Nothing .* No node was seen yet\.$/],
  ])("is never good of what is not known now: %s", (_, freshness, text) => {
    const well = state([node("a")]);
    expect(isFresh(well, freshness)).toBe(false);
    expect(verdictOf(well, freshness)).toEqual({ level: "bad", text: expect.stringMatching(text) as string });
  });
});

describe("a node's state", () => {
  it.each([
    ["good", "following", node("a"), null],
    ["bad", "no lease, syncing", node("a", { leaseMsLeft: 0, state: "syncing" }), null],
    ["bad", "does not answer", node("a", silent), null],
    ["bad", "vanished, last seen 3 h ago", node("a", { ...silent, lastSeenMsAgo: 10_800_000 }), null],
    ["stale", "as of 7 s ago", node("a"), 7_000],
  ] as const)("is %s: %s", (level, text, one, ageMs) => {
    expect(stateOf(one, ageMs)).toEqual({ level, text });
  });
});
