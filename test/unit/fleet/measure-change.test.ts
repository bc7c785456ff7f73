import { describe, expect, it } from "vitest";
import {
  type ChangeToMeasure,
  measureChange,
  type MeasuringFleet,
} from "../../../src/fleet/measure-change.ts";
import type { LogEntry } from "../../../src/protocol/live.ts";
import type { Change } from "../../../src/protocol/message.ts";
import type { RegisteredNode } from "../../../src/protocol/node.ts";

const CANARY = "app-sync-canary";
const KEY = "canary-key-2";

const node = (id: string, more: Partial<RegisteredNode> = {}): RegisteredNode => ({
  id,
  entry: { host: `host-${id}`, pid: 7, agent: "0.1.0", soketi: "1.6.1" },
  ...more,
});
const FOLLOWER = node("f", { entry: { host: "host-f", pid: 7, agent: "0.1.0", role: "follower" } });

const change = (keys: readonly string[], more: Partial<Change> = {}): Change => ({
  appId: CANARY,
  type: "updated",
  keys,
  changed: ["key"],
  ...more,
});
const message = (changes: readonly Change[], more: object = {}) =>
  JSON.stringify({ v: 1, table: "apps", at: 1, ...more, changes });

/** A fleet whose pipeline appends some messages at the write; its nodes are where they say that they are. */
function fleetOf(
  nodes: readonly RegisteredNode[],
  appended: readonly string[],
  cursors: Record<string, number>,
) {
  const log: LogEntry[] = [];
  const fleet: MeasuringFleet = {
    registered: () => Promise.resolve([...nodes]),
    tail: () => Promise.resolve({ epoch: 5, seq: 0 }),
    messages: (after) => Promise.resolve(log.filter(({ id }) => id.seq > (after?.seq ?? 0))),
    now: () => Promise.resolve(1_764_000_000_000),
    question: () => ({
      ask: () => Promise.resolve(),
      answers: () =>
        Promise.resolve(
          nodes.flatMap(({ id, entry }) => {
            const seq = cursors[id];
            const counted = { leaseMsLeft: 1, entries: 0, lagMs: 0, hits: 0, misses: 0, reads: 0 };
            return seq === undefined
              ? []
              : [{ ...entry, ...counted, node: id, recent: [], cursor: `5-${seq}`, state: "following" }];
          }),
        ),
    }),
  };
  const written: ChangeToMeasure = {
    appId: CANARY,
    write() {
      appended.forEach((json, i) => log.push({ id: { epoch: 5, seq: i + 1 }, json }));
      return Promise.resolve(KEY);
    },
  };
  return [fleet, written] as const;
}

/** Long enough for whatever the test expects to come. */
const patient = { limitMs: 60_000 };
/** Over as soon as it has been looked once. */
const hurried = { limitMs: 0 };

describe("a measured change", () => {
  it("is followed to the last node: those that only follow the log are not waited for", async () => {
    const fleet = fleetOf([node("a"), node("b"), FOLLOWER], [message([change([KEY, "canary-key-1"])])], {
      a: 1,
      b: 1,
    });
    const result = await measureChange(...fleet, { ...patient, intervalMs: 60_000 });
    expect(result).toMatchObject({
      at: 1_764_000_000_000,
      intervalMs: 60_000,
      expected: 2,
      confirmed: 2,
      missing: [],
    });
    const { writeMs, streamMs, nodesMs, totalMs } = result;
    expect(totalMs).toBe(writeMs + (streamMs ?? Number.NaN) + (nodesMs ?? Number.NaN));
  });

  it("is known by its own key, also united with a later one: no other write's message counts, no announcement and no flush", async () => {
    const others = [
      message([change(["canary-key-1", "canary-key-0"])]),
      JSON.stringify({ v: 1, flush: "operator", at: 1 }),
      message([change([KEY], { appId: "acme" })]),
      message([change([KEY])], { by: "alice" }),
    ];
    const theirs = await measureChange(...fleetOf([node("a")], others, { a: 4 }), hurried);
    expect(theirs).toMatchObject({ streamMs: null, totalMs: null, confirmed: 0, missing: ["host-a 7"] });
    const united = [...others, message([change(["canary-key-3", KEY, "canary-key-1"])])];
    // The fifth is the one: a node at the fourth has not got it.
    const before = await measureChange(...fleetOf([node("a")], united, { a: 4 }), hurried);
    expect([before.streamMs, before.confirmed]).toEqual([expect.any(Number), 0]);
    const after = await measureChange(...fleetOf([node("a")], united, { a: 5 }), patient);
    expect(after).toMatchObject({ confirmed: 1, missing: [] });
  });

  it("has no time while a node that is there has not confirmed it, and names that node", async () => {
    const fleet = fleetOf([node("a"), node("b")], [message([change([KEY])])], { a: 1, b: 0 });
    expect(await measureChange(...fleet, hurried)).toMatchObject({
      streamMs: expect.any(Number) as number,
      nodesMs: null,
      totalMs: null,
      expected: 2,
      confirmed: 1,
      missing: ["host-b 7"],
    });
  });

  it("has the time of those that are there when a node has left without saying so, which counts as missing", async () => {
    const fleet = fleetOf([node("a"), node("b", { silentMs: 90_000 })], [message([change([KEY])])], { a: 1 });
    const result = await measureChange(...fleet, patient);
    expect(result).toMatchObject({ expected: 2, confirmed: 1, missing: ["host-b 7"] });
    expect(result.totalMs).toBeGreaterThanOrEqual(0);
  });

  it("of a canary is missed by one that left for an hour, or for three runs; who asks by hand is always told", async () => {
    const HOUR = 3_600_000;
    const seen = async (silentMs: number, intervalMs: number | null) => {
      const fleet = fleetOf([node("a"), node("b", { silentMs })], [message([change([KEY])])], { a: 1 });
      const { expected, confirmed, missing, vanished } = await measureChange(...fleet, {
        ...patient,
        intervalMs,
      });
      expect([confirmed, vanished]).toEqual([1, 1]);
      return [expected, missing];
    };
    const [missed, forgotten] = [
      [2, ["host-b 7"]],
      [1, []],
    ];
    expect(await seen(HOUR, 60_000)).toEqual(missed);
    expect(await seen(HOUR + 1, 60_000)).toEqual(forgotten);
    expect(await seen(3 * HOUR, HOUR)).toEqual(missed);
    expect(await seen(3 * HOUR + 1, HOUR)).toEqual(forgotten);
    expect(await seen(23 * HOUR, null)).toEqual(missed);
  });

  it("is followed to the log where no node is", async () => {
    const result = await measureChange(...fleetOf([], [message([change([KEY])])], {}), hurried);
    expect(result).toMatchObject({ expected: 0, confirmed: 0, nodesMs: 0 });
    expect(result.totalMs).toBe(result.writeMs + (result.streamMs ?? Number.NaN));
  });

  it("rejects as the write does", async () => {
    const [fleet] = fleetOf([node("a")], [], {});
    const refused = { appId: CANARY, write: () => Promise.reject(new Error("refused")) };
    await expect(measureChange(fleet, refused, patient)).rejects.toThrow("refused");
  });
});
