import { describe, expect, it } from "vitest";
import { waitForNodes } from "../../../src/fleet/wait-for-nodes.ts";
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

/** A fleet that gives one answer after the other, and its last one from then on. */
function fleetOf(...answers: RegisteredNode[][]) {
  const fleet = {
    asked: 0,
    ask() {
      const nodes = answers[Math.min(fleet.asked, answers.length - 1)] ?? [];
      fleet.asked += 1;
      return Promise.resolve(nodes);
    },
  };
  return fleet;
}

/** Long enough for whatever the test expects to come. */
const patient = () => ({ started: performance.now(), limitMs: 60_000 });
/** Over before it begins: the nodes are asked once. */
const hurried = () => ({ started: performance.now() - 1, limitMs: 0 });

describe("waitForNodes", () => {
  it("asks until each node has applied the message, and tells when each had", async () => {
    const fleet = fleetOf(
      [node("a"), node("b", { cursor: "5-6" })],
      [node("a"), node("b", { state: "syncing" })],
      [node("a"), node("b", { answers: false })],
      [node("a"), node("b", { cursor: "5-9" })],
    );
    const [a, b] = await waitForNodes(fleet, WANTED, patient());
    expect(fleet.asked).toBe(4);
    expect(a).toMatchObject({ node: "a", host: "host-a", pid: 1 });
    expect(b?.confirmedAfterMs).toBeGreaterThan(a?.confirmedAfterMs ?? Number.NaN);
  });

  it("does not take back a confirmation when the node is silent later", async () => {
    const fleet = fleetOf(
      [node("a"), node("b", { cursor: "5-6" })],
      [node("a", { answers: false }), node("b")],
    );
    const confirmed = await waitForNodes(fleet, WANTED, patient());
    expect(confirmed.map(({ confirmedAfterMs }) => confirmedAfterMs)).toEqual([
      expect.any(Number),
      expect.any(Number),
    ]);
    expect(fleet.asked).toBe(2);
  });

  it("takes a node of a later log for one that has flushed, and not one of an earlier log", async () => {
    const fleet = fleetOf([node("later", { cursor: "6-1" }), node("earlier", { cursor: "4-900" })]);
    expect(await waitForNodes(fleet, WANTED, hurried())).toMatchObject([
      { node: "later", confirmedAfterMs: expect.any(Number) as number },
      { node: "earlier", confirmedAfterMs: null },
    ]);
  });

  it("waits for nodes that come meanwhile, and not for those that go", async () => {
    const fleet = fleetOf(
      [node("goes", { cursor: "" }), node("stays", { cursor: "" })],
      [node("stays"), node("comes", { cursor: "" })],
      [node("stays"), node("comes")],
    );
    const confirmed = await waitForNodes(fleet, WANTED, patient());
    expect(confirmed.map(({ node: id }) => id)).toEqual(["stays", "comes"]);
    expect(fleet.asked).toBe(3);
  });

  it("ends when the time is over, after one question at least", async () => {
    const fleet = fleetOf([node("a", { cursor: "5-6" })]);
    expect(await waitForNodes(fleet, WANTED, hurried())).toEqual([
      { node: "a", host: "host-a", pid: 1, confirmedAfterMs: null },
    ]);
    expect(fleet.asked).toBe(1);
  });

  it("does not wait for programs that only follow the log", async () => {
    const fleet = fleetOf([node("follower", { isFollower: true, cursor: "" })]);
    expect(await waitForNodes(fleet, WANTED, patient())).toEqual([]);
    expect(fleet.asked).toBe(1);
  });

  it("confirms no message whose id cannot be read", async () => {
    expect(await waitForNodes(fleetOf([node("a")]), undefined, hurried())).toMatchObject([
      { confirmedAfterMs: null },
    ]);
  });
});
