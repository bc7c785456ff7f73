import { describe, expect, inject, it } from "vitest";
import { FAILOVERS, runFailover } from "../chaos/relay/run-failover.ts";

/** `npm run chaos:relay` runs all of them, with more changes. */
const CHANGES = 240;

describe("no change is missed when a relay's Redis gets another primary", () => {
  it.each(
    FAILOVERS.filter(({ name }) => name === "primary killed").map((fault) => [fault.form, fault] as const),
  )("%s", async (_form, fault) => {
    const outcome = await runFailover(fault, inject("dynamodbEndpoint"), CHANGES);
    console.log(JSON.stringify(outcome));
    expect(outcome).toMatchObject({ changes: CHANGES, missed: 0 });
    // Another server: what it does not have, nobody knows.
    expect(outcome.flushes).toBeGreaterThan(0);
  });
});
