import { describe, expect, it } from "vitest";
import { nodesToWaitFor, waitForNodes } from "../../../src/fleet/wait-for-nodes.ts";
import type { NodeEntry, RegisteredNode } from "../../../src/protocol/node.ts";

const WANTED = { epoch: 5, seq: 7 };

interface Said {
  readonly cursor?: string;
  readonly state?: string;
  readonly answers?: boolean;
  readonly isFollower?: boolean;
}

function node(id: string, said: Said = {}): RegisteredNode {
  const { cursor = "5-7", state = "following", answers = true, isFollower = false } = said;
  const process = { host: `host-${id}`, pid: 1, agent: "0.1.0" };
  const entry: NodeEntry = isFollower ? { ...process, role: "follower" } : { ...process, soketi: "1.6.1" };
  if (!answers) return { id, entry };
  const counted = { leaseMsLeft: 1, entries: 0, lagMs: 0, hits: 0, misses: 0, reads: 0 };
  return { id, entry, answer: { ...entry, ...counted, node: id, recent: [], cursor, state } };
}

/** A fleet that gives one answer after the other, and its last one from then on; and its registry likewise. */
function fleetOf(answers: RegisteredNode[][], registry: string[][] = [["a", "b"]]) {
  const fleet = {
    asked: 0,
    looked: 0,
    registered() {
      const ids = registry[Math.min(fleet.looked, registry.length - 1)] ?? [];
      fleet.looked += 1;
      return Promise.resolve(ids.map((id) => node(id)));
    },
    question: () => ({
      ask: () => {
        fleet.asked += 1;
        return Promise.resolve();
      },
      answers: () =>
        Promise.resolve(
          (answers[Math.min(fleet.asked, answers.length) - 1] ?? []).flatMap(({ answer }) => answer ?? []),
        ),
    }),
  };
  return fleet;
}

const [A, B] = [node("a"), node("b")];
const gone = (id: string): RegisteredNode => ({ ...node(id), silentMs: 90_000 });

/** Long enough for whatever the test expects to come. */
const patient = (nodes: readonly RegisteredNode[]) => ({
  nodes,
  started: performance.now(),
  limitMs: 60_000,
});
/** Over before it begins: an answer is waited for a quarter of a second. */
const hurried = (nodes: readonly RegisteredNode[]) => ({ nodes, started: performance.now() - 1, limitMs: 0 });

describe("waitForNodes", () => {
  it("asks until each node has applied the message, and tells when each had", async () => {
    const fleet = fleetOf([
      [A, node("b", { cursor: "5-6" })],
      [A, node("b", { state: "syncing" })],
      [A, node("b", { answers: false })],
      [A, node("b", { cursor: "5-9" })],
    ]);
    const [a, b] = await waitForNodes(fleet, WANTED, patient([A, B]));
    expect(fleet.asked).toBe(4);
    expect(a).toMatchObject({ node: "a", host: "host-a", pid: 1, lastSeenMsAgo: null });
    expect(b?.confirmedAfterMs).toBeGreaterThan(a?.confirmedAfterMs ?? Number.NaN);
  });

  it("does not tell of a node later because another one is silent", async () => {
    const fleet = fleetOf([[node("a", { cursor: "5-6" })], [A]]);
    const [a, b] = await waitForNodes(fleet, WANTED, { ...patient([A, B]), limitMs: 900 });
    expect(a?.confirmedAfterMs).toBeLessThan(500);
    expect(b?.confirmedAfterMs).toBeNull();
  });

  it("does not take back a confirmation when the node is silent later", async () => {
    const fleet = fleetOf([
      [A, node("b", { cursor: "5-6" })],
      [node("a", { answers: false }), B],
    ]);
    const confirmed = await waitForNodes(fleet, WANTED, patient([A, B]));
    expect(confirmed.map(({ confirmedAfterMs }) => confirmedAfterMs)).toEqual([
      expect.any(Number),
      expect.any(Number),
    ]);
    expect(fleet.asked).toBe(2);
  });

  it("takes a node of a later log for one that has flushed, and not one of an earlier log", async () => {
    const fleet = fleetOf([[node("a", { cursor: "6-1" }), node("b", { cursor: "4-900" })]]);
    expect(await waitForNodes(fleet, WANTED, hurried([A, B]))).toMatchObject([
      { node: "a", confirmedAfterMs: expect.any(Number) as number },
      { node: "b", confirmedAfterMs: null },
    ]);
  });

  it("waits for those that were there when the change was made: one that falls silent is still named", async () => {
    const fleet = fleetOf([[A]], [["a", "b"]]);
    const confirmed = await waitForNodes(fleet, WANTED, { ...patient([A, B]), limitMs: 2_500 });
    expect(confirmed).toMatchObject([{ node: "a" }, { node: "b", confirmedAfterMs: null }]);
    expect(fleet.looked).toBeGreaterThanOrEqual(2);
  });

  it("does not wait for one that stops in order: twice out of the registry", async () => {
    // The registry was deleted in between: that alone is no sign.
    const fleet = fleetOf([[A]], [[], ["a", "b"], ["a"]]);
    const confirmed = await waitForNodes(fleet, WANTED, patient([A, B]));
    expect(confirmed.map(({ node: id }) => id)).toEqual(["a"]);
    expect(fleet.looked).toBe(4);
  });

  it("does not wait for one that had left before, and names it; it may be back", async () => {
    const nodes = [A, gone("b")];
    expect(await waitForNodes(fleetOf([[A]]), WANTED, patient(nodes))).toMatchObject([
      { node: "a", confirmedAfterMs: expect.any(Number) as number, lastSeenMsAgo: null },
      { node: "b", confirmedAfterMs: null, lastSeenMsAgo: 90_000 },
    ]);
    expect((await waitForNodes(fleetOf([[A, B]]), WANTED, patient(nodes)))[1]).toMatchObject({
      confirmedAfterMs: expect.any(Number) as number,
      lastSeenMsAgo: null,
    });
  });

  it("ends when the time is over, after one question at least", async () => {
    const fleet = fleetOf([[node("a", { cursor: "5-6" })]]);
    expect(await waitForNodes(fleet, WANTED, hurried([A]))).toEqual([
      { node: "a", host: "host-a", pid: 1, confirmedAfterMs: null, lastSeenMsAgo: null },
    ]);
    expect(fleet.asked).toBeGreaterThanOrEqual(1);
  });

  it("confirms no message whose id cannot be read", async () => {
    expect(await waitForNodes(fleetOf([[A]]), undefined, hurried([A]))).toMatchObject([
      { confirmedAfterMs: null },
    ]);
  });
});

describe("nodesToWaitFor", () => {
  it("leaves out programs that only follow the log", async () => {
    const registered = () => Promise.resolve([A, node("follower", { isFollower: true }), gone("b")]);
    expect((await nodesToWaitFor({ registered })).map(({ id }) => id)).toEqual(["a", "b"]);
  });
});
