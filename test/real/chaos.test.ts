import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startDynamoDbLocal } from "../../local/dynamodb-local.ts";
import { NODES_FAULTS } from "../chaos/nodes/faults.ts";
import { broken, type NodesFault, runNodesFault } from "../chaos/nodes/run.ts";

/**
 * With the agent that is the end of all waiting, which fails; without it nothing follows, however long it is waited. On a
 * DynamoDB of its own: the one of all tests, full of their streams' records, did not answer in the 5 s that nodes wait.
 */
async function run(fault: NodesFault, withoutAgent: boolean) {
  const dynamodb = await startDynamoDbLocal();
  try {
    const settleMs = withoutAgent ? 2_000 : 60_000;
    return await runNodesFault(fault, {
      dynamodbEndpoint: dynamodb.endpoint,
      seed: 1,
      withoutAgent,
      settleMs,
    });
  } finally {
    await dynamodb.stop();
  }
}

describe("four nodes under chaos, asked from outside", () => {
  it("keep every promise while subscribers are disconnected repeatedly", async () => {
    const fault = NODES_FAULTS.find(({ name }) => name.startsWith("subscribers disconnected"));
    if (!fault) throw new Error("expected the fault that disconnects subscribers, found none");
    const outcome = await run(fault, false);
    console.log(JSON.stringify(outcome));
    expect(broken(outcome), outcome.examples.join("\n")).toEqual([]);
    // On a busy machine the writer gets to a fraction of its rate.
    expect(outcome.changes).toBeGreaterThan(20);
    expect(outcome.answers).toBeGreaterThan(outcome.changes);
  });

  it("would be seen to break them: soketi with its own cache and no agent does", async () => {
    const calm: NodesFault = { name: "none", form: "standalone", boundMs: 1_500, happen: () => pause(1_000) };
    const outcome = await run(calm, true);
    const { neverSeen, stillOpen, longestStaleMs, boundMs } = outcome;
    expect(neverSeen).toBeGreaterThan(100);
    // 20 disabled, 10 deleted and 10 re-keyed, on each of four nodes.
    expect(stillOpen).toBe(160);
    expect(longestStaleMs).toBeGreaterThan(boundMs);
  });
});
