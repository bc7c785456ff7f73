import { expect, it } from "vitest";
import { busNames } from "../../../src/protocol/names.ts";
import type { RelayLease } from "../../../src/redis/relay-lease.ts";
import { Relay } from "../../../src/relay/relay.ts";
import { contextOf, FakeRedis, FakeStream } from "./fake-stream.ts";

it("gives its lease back at the end of its term, whatever goes on beside it, and ends after that", async () => {
  const stream = new FakeStream();
  const redis = new FakeRedis();
  stream.open("s1");
  const { context } = contextOf(stream, redis, []);
  let terms = 0;
  let renewals = 0;
  const released: string[] = [];
  const lease: RelayLease = {
    acquire: () => Promise.resolve((terms += 1) > 1 ? undefined : redis.token),
    renew: () => Promise.resolve((renewals += 1) > 0),
    release: (token) => Promise.resolve(void released.push(token)),
    positions: () => Promise.resolve(new Map(redis.positions)),
    move: (token, moves) => redis.lease.move(token, moves),
  };
  /** A sweep that waits for DynamoDB, which is why the term is over. */
  let endSweep: () => void = () => undefined;
  const swept = new Promise<void>((resolve) => (endSweep = resolve));
  const relay = new Relay({
    ...context,
    stream: {
      ...stream.api,
      // No answer, to whoever reads the shard.
      read: (_iterator, signal) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    },
    lease,
    log: redis.log,
    names: busNames("{t}"),
    leaseMs: 100,
    prepare: () => Promise.resolve(),
    take: () => Promise.resolve(),
    beside: () => swept,
    report: {
      ...context.report,
      termBegan: () => undefined,
      termEnded: () => undefined,
      waiting: () => undefined,
    },
  });
  const ending = new AbortController();
  let isOver = false;
  const running = relay.run(ending.signal).then(() => (isOver = true));

  await expect.poll(() => released).toEqual([redis.token]);
  const before = renewals;
  // It waits for the lease again, which it does not renew any more.
  await expect.poll(() => terms).toBeGreaterThan(2);
  expect(renewals).toBe(before);
  ending.abort();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isOver).toBe(false);
  endSweep();
  await running;
  expect(isOver).toBe(true);
});
