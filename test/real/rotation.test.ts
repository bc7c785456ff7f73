import { expect, inject, it } from "vitest";
import { brokenRotation, runRotations } from "../chaos/rotation/run.ts";

/** Two nodes, four publishers: the whole of it is `npm run chaos:rotation`. */
const run = (overlap: boolean) =>
  runRotations({
    dynamodbEndpoint: inject("dynamodbEndpoint"),
    redisUrl: inject("redisUrl"),
    rotations: 2,
    nodes: 2,
    publishers: 4,
    overlap,
  });

const LIMIT_MS = 180_000;

it(
  "a rotation with an overlap refuses nothing, loses no webhook and closes no connection",
  { timeout: LIMIT_MS },
  async () => {
    const outcome = await run(true);
    console.log(JSON.stringify(outcome));
    expect(brokenRotation(outcome)).toEqual([]);
    // The old secret was in use, and the nodes have seen it.
    expect(outcome.previousTaken).toBeGreaterThan(10);
    expect(outcome.channels).toBeGreaterThan(10);
  },
);

it(
  "without one the same publishers and clients are refused, until they have changed over",
  { timeout: LIMIT_MS },
  async () => {
    const outcome = await run(false);
    console.log(JSON.stringify(outcome));
    const { refusedRequests, refusedSignIns, previousTaken } = outcome;
    expect(refusedRequests).toBeGreaterThan(10);
    expect(refusedSignIns).toBeGreaterThan(2);
    expect(previousTaken).toBe(0);
  },
);
