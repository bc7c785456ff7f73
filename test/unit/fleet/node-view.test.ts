import { describe, expect, it } from "vitest";
import type { Answer, NodeEntry } from "../../../src/protocol/node.ts";
import { boundOf, isWell, type NodeView, viewOf } from "../../../src/fleet/node-view.ts";

const ENTRY: NodeEntry = { host: "h", pid: 7, agent: "0.1.0", soketi: "1.6.1" };
const ANSWER: Answer = {
  ...ENTRY,
  node: "n",
  recent: [],
  leaseMs: 4_000,
  degradedTtlMs: 8_000,
  cursor: "5-10",
  state: "following",
  leaseMsLeft: 2_000,
  entries: 3,
  lagMs: 12,
  hits: 30,
  misses: 10,
  reads: 11,
  appsInUse: 4,
  inUseBoundMs: 6_000,
  flushes: [["requested", 5]],
};
const view = (answer: Partial<Answer> = {}, tail = { epoch: 5, seq: 12 }) =>
  viewOf({ id: "n", entry: { ...ENTRY, ...answer }, answer: { ...ANSWER, ...answer } }, tail);

describe("a node as it is shown", () => {
  it("is what it answers", () => {
    expect(viewOf({ id: "n", entry: { ...ANSWER }, answer: ANSWER }, { epoch: 5, seq: 12 })).toEqual({
      node: "n",
      host: "h",
      pid: 7,
      soketi: "1.6.1",
      agent: "0.1.0",
      answers: true,
      lastSeenMsAgo: null,
      state: "following",
      behind: 2,
      leaseMsLeft: 2_000,
      leaseMs: 4_000,
      degradedTtlMs: 8_000,
      entries: 3,
      hitRatio: 0.75,
      lagMs: 12,
      appsInUse: 4,
      inUseBoundMs: 6_000,
      flushes: [["requested", 5]],
    });
  });

  it("that does not answer has no lease, and is what its entry said last", () => {
    const entry = { ...ENTRY, state: "following", cursor: "5-11", entries: 2, lagMs: 3, leaseMsLeft: 900 };
    expect(viewOf({ id: "n", entry }, { epoch: 5, seq: 12 })).toMatchObject({
      answers: false,
      state: "following",
      behind: 1,
      leaseMsLeft: 0,
      entries: 2,
      lagMs: 3,
    });
  });

  it("that left without saying so was seen last some time ago; while it answers it is there", () => {
    const left = { id: "n", entry: ENTRY, silentMs: 60_000 };
    expect(viewOf(left, undefined)).toMatchObject({ answers: false, lastSeenMsAgo: 60_000 });
    expect(viewOf({ ...left, answer: ANSWER }, undefined)).toMatchObject({
      answers: true,
      lastSeenMsAgo: null,
    });
  });

  it("of a version that says little has the agent's defaults, and nulls", () => {
    expect(viewOf({ id: "n", entry: { host: "h", pid: 7, agent: "0.0.1" } }, undefined)).toEqual({
      node: "n",
      host: "h",
      pid: 7,
      soketi: null,
      agent: "0.0.1",
      answers: false,
      lastSeenMsAgo: null,
      state: null,
      behind: 0,
      leaseMsLeft: 0,
      leaseMs: 3_000,
      degradedTtlMs: 5_000,
      entries: null,
      hitRatio: null,
      lagMs: null,
      appsInUse: null,
      inUseBoundMs: null,
      flushes: [],
    });
  });

  it("is not behind a tail that was read before its answer", () => {
    expect(view({ cursor: "5-13" }).behind).toBe(0);
  });

  it("follows another log, or none where there is one", () => {
    expect(view({ cursor: "4-12" }).behind).toBeNull();
    expect(view({ cursor: "" }).behind).toBeNull();
    expect(viewOf({ id: "n", entry: ENTRY, answer: ANSWER }, undefined).behind).toBeNull();
  });

  it("is in line where there is no log yet", () => {
    expect(viewOf({ id: "n", entry: ENTRY, answer: { ...ANSWER, cursor: "" } }, undefined).behind).toBe(0);
  });

  it("has no hit ratio before the first lookup, and one of 0 after a miss", () => {
    expect(view({ hits: 0, misses: 0 }).hitRatio).toBeNull();
    expect(view({ hits: 0, misses: 1 }).hitRatio).toBe(0);
    expect(view({ hits: 1, misses: 0 }).hitRatio).toBe(1);
  });
});

describe("isWell", () => {
  it.each<[boolean, Partial<NodeView>]>([
    [true, { answers: true, leaseMsLeft: 1 }],
    [false, { answers: true, leaseMsLeft: 0 }],
    [false, { answers: false, leaseMsLeft: 1 }],
    [true, { soketi: null, answers: false, leaseMsLeft: 0 }],
  ])("%s: %j", (well, more) => {
    expect(isWell({ ...view(), ...more })).toBe(well);
  });
});

describe("boundOf", () => {
  it("is that of the node that serves the oldest", () => {
    expect(boundOf([view(), view({ degradedTtlMs: 9_500 }), view({ degradedTtlMs: 0 })])).toBe(
      "nothing older than 9.5 s is served",
    );
    expect(boundOf([view({ degradedTtlMs: 0 })])).toBe("nothing is served");
  });
});
