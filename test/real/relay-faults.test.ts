import { describe, expect, inject, it } from "vitest";
import { FAULTS } from "../chaos/relay/faults.ts";
import { runFault } from "../chaos/relay/run-fault.ts";

/** `npm run chaos:relay` runs these with more changes, and the slow ones, and holds the successor to its 5 s. */
const CHANGES = 120;

describe("nothing is lost, doubled or out of order, whatever happens to the active relay", () => {
  it.each(FAULTS.map((fault) => [fault.name, fault] as const))("%s", async (_name, fault) => {
    const outcome = await runFault(fault, inject("dynamodbEndpoint"), CHANGES);
    console.log(JSON.stringify(outcome));
    expect(outcome).toMatchObject({ changes: CHANGES, lost: 0, outOfOrder: 0, doubled: 0 });
    if (fault.succession === "one") expect(outcome.terms).toBe(2);
    if (fault.succession === "many") expect(outcome.terms).toBeGreaterThan(5);
  });
});
