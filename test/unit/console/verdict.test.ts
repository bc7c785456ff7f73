import { describe, expect, it } from "vitest";
import { namesOf } from "../../../src/console/page/node-names.ts";
import { verdictOf } from "../../../src/console/page/verdict.ts";
import type { ConsoleState } from "../../../src/console/state.ts";
import type { NodeView } from "../../../src/fleet/node-view.ts";

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
  trouble: null,
  points: [],
  changes: [],
  local: null,
  nodes,
  ...more,
});

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
    const local = [{ pid: 8, name: "node 2", frozen: false }];
    const nodes = [node("x", { host: "a", pid: 8 }), node("y", { host: "a", pid: 9 })];
    expect(nodes.map((one) => namesOf(nodes, local)(one.node))).toEqual(["node 2", "node 9"]);
  });
});

describe("the verdict", () => {
  it.each<[string, string, ConsoleState]>([
    ["good", "All 2 nodes are up to date with the table.", state([node("a"), node("b")])],
    ["good", "The node is up to date; nothing has been published yet.", state([node("a")], { tail: null })],
    ["warn", "No node is registered.", state([node("f", { soketi: null, answers: false })])],
    ["warn", "1 of 2 nodes are catching up.", state([node("a"), node("b", { behind: null })])],
    ["bad", "Nothing is known at the moment: no Redis", state([node("a")], { trouble: "no Redis" })],
    ["bad", "b has no lease: without Redis", state([node("a"), node("b", { leaseMsLeft: 0 })])],
    ["bad", "a does not answer, b has no lease:", state([node("a", silent), node("b", { leaseMsLeft: 0 })])],
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
    const verdict = verdictOf(seen);
    expect(verdict.level).toBe(level);
    expect(verdict.text.slice(0, text.length)).toBe(text);
  });
});
