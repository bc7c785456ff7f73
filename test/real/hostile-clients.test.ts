import { describe, expect, inject, it } from "vitest";
import { NODE_KINDS } from "../chaos/clients/nodes.ts";
import { brokenClients, runClients } from "../chaos/clients/run.ts";

/** A short `npm run chaos:clients`. */
const parts = () => ({ dynamodbEndpoint: inject("dynamodbEndpoint"), redisUrl: inject("redisUrl"), seed: 7 });

describe("hostile clients, while apps change and outages come and go", () => {
  it.each(NODE_KINDS)("end no node, disturb no others and wait for nothing: %o", async (kind) => {
    const outcome = await runClients({ ...parts(), kind, inputs: 1_500 });
    expect(brokenClients(outcome), outcome.examples.join("\n")).toEqual([]);
    expect(outcome.inputs).toBeGreaterThanOrEqual(1_500);
    expect(outcome.caught).toBeGreaterThan(20);
    expect(outcome.calm.sent).toBeGreaterThan(20);
  });

  it("end a node without the agent", async () => {
    const [kind] = NODE_KINDS;
    if (!kind) throw new Error("expected a kind of node, found none");
    const outcome = await runClients({ ...parts(), kind, inputs: 20_000, withAgent: false });
    expect(outcome.ended).toMatch(/ended/);
    expect(outcome.inputs).toBeLessThan(20_000);
  });
});
