import { describe, expect, inject, it } from "vitest";
import { FAULTS } from "../chaos/pipeline/faults.ts";
import { runFault } from "../chaos/pipeline/run-fault.ts";

/** `npm run chaos:pipeline` runs these with more changes, and the slow ones. */
const CHANGES = 60;

/** Faults in which some changes can only come by the failure queue. */
const QUEUED = /record age|used up|throws on/;

describe("nothing is lost, and each app's newest message is its newest change", () => {
  it.each(FAULTS.map((fault) => [fault.name, fault] as const))("%s", async (name, fault) => {
    const outcome = await runFault(fault, inject("dynamodbEndpoint"), CHANGES);
    console.log(JSON.stringify(outcome));
    expect(outcome).toMatchObject({ lost: 0, outOfOrder: 0 });
    if (QUEUED.test(name)) expect(outcome.queued).toBeGreaterThan(0);
    else expect(outcome).toMatchObject({ published: CHANGES, queued: 0 });
  });
});
