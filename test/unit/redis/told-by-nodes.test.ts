import { describe, expect, it } from "vitest";
import { answerOf, entryOf } from "../../../src/redis/told-by-nodes.ts";

const ENTRY = { host: "h", pid: 7, agent: "0.1.0", soketi: "1.6.1" };
const ANSWER = {
  ...ENTRY,
  node: "n",
  cursor: "5-12",
  state: "following",
  leaseMsLeft: 2_000,
  entries: 3,
  lagMs: 4,
  hits: 1,
  misses: 2,
  reads: 3,
  recent: [["5-12", 4]],
};
const WHOLE = {
  ...ANSWER,
  flushes: [["first-sync", 100]],
  at: 1_795_000_000_000,
  server: "run replication",
  holds: { app: { id: "acme" }, readMsAgo: 5, proven: true },
  previousSecrets: [
    { appId: "acme", until: 1_795_000_000, taken: 1, refused: 0, lastTakenAt: 1, lastRefusedAt: null },
  ],
};
const json = (one: object, changes: object = {}) => JSON.stringify({ ...one, ...changes });

describe("what a node says of itself", () => {
  it("is taken as it is, from agents that say less as well", () => {
    for (const one of [ANSWER, WHOLE, { ...WHOLE, holds: null }, { ...WHOLE, lagMs: null }]) {
      expect(answerOf(json(one))).toEqual(one);
    }
    for (const one of [ENTRY, ANSWER]) expect(entryOf(json(one))).toEqual(one);
    expect(entryOf(null)).toBeUndefined();
  });

  it.each<object>([
    { leaseMsLeft: "long" },
    { leaseMsLeft: null },
    { cursor: 5 },
    { hits: "1" },
    { misses: {} },
    { pid: 1e300 },
    { recent: [5] },
    { flushes: [["new-epoch", "now"]] },
    { flushes: 5 },
    { at: "now" },
    { server: {} },
    { holds: { app: {}, readMsAgo: "x", proven: true } },
    { holds: { app: "acme", readMsAgo: 1, proven: true } },
    { holds: { app: {}, readMsAgo: 1, proven: "yes" } },
    { previousSecrets: [{ appId: 5 }] },
    { previousSecrets: [{ ...WHOLE.previousSecrets[0], until: 1e300 }] },
  ])("is no answer where no agent says it: %j", (changes) => {
    expect(answerOf(json(WHOLE, changes))).toBeUndefined();
  });

  it.each<object>([{ degradedTtlMs: "5 s" }, { soketi: {} }, { state: [] }, { pid: 1e300 }])(
    "is no entry where no agent writes it: %j",
    (changes) => {
      expect(entryOf(json(ENTRY, changes))).toBeUndefined();
    },
  );

  it("has a host that cannot look like another line", () => {
    const host = "evil\nok   everything\u001b[2J\u2028is\u202e healthy";
    const shown = "evil\ufffdok   everything\ufffd[2J\ufffdis\ufffd healthy";
    expect(entryOf(json(ENTRY, { host }))?.host).toBe(shown);
    expect(answerOf(json(ANSWER, { host }))?.host).toBe(shown);
    expect(entryOf(json(ENTRY, { host: "h".repeat(1e6) }))?.host).toHaveLength(255);
  });
});
