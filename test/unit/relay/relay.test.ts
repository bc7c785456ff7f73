import { describe, expect, it } from "vitest";
import { busNames } from "../../../src/protocol/names.ts";
import { RedisError } from "../../../src/redis/errors.ts";
import type { RelayLease } from "../../../src/redis/relay-lease.ts";
import { healthOf, isWell } from "../../../src/relay/health.ts";
import { Relay, type RelayOptions } from "../../../src/relay/relay.ts";
import { contextOf, FakeRedis, FakeStream } from "./fake-stream.ts";

/** A relay whose lease, log and stream are fakes, unless given. */
function createRelay(
  context: ReturnType<typeof contextOf>["context"],
  redis: FakeRedis,
  given: Pick<RelayOptions, "lease" | "leaseMs"> & Partial<RelayOptions>,
): Relay {
  return new Relay({
    ...context,
    log: redis.log,
    names: busNames("{t}"),
    prepare: () => Promise.resolve(),
    take: () => Promise.resolve(),
    beside: () => Promise.resolve(),
    report: {
      ...context.report,
      termBegan: () => undefined,
      termEnded: () => undefined,
      waiting: () => undefined,
    },
    ...given,
  });
}

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
  const relay = createRelay(context, redis, {
    stream: {
      ...stream.api,
      // No answer, to whoever reads the shard.
      read: (_iterator, signal) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    },
    lease,
    leaseMs: 100,
    beside: () => swept,
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

describe("a relay that Redis gives the lease, and lets write nothing", () => {
  const refused = new RedisError("append the messages", new Error("NOPERM this user may not publish"));

  /** A relay beside which nobody competes, and what it has said of the beginning of its terms. */
  function start(redis: FakeRedis, lease: Partial<RelayLease>) {
    const stream = new FakeStream();
    stream.open("s1");
    const { context, reported } = contextOf(stream, redis, []);
    const relay = createRelay(context, redis, {
      lease: {
        acquire: () => Promise.resolve(redis.token),
        renew: () => Promise.resolve(true),
        release: () => Promise.resolve(),
        positions: () => Promise.resolve(new Map(redis.positions)),
        move: (token, moves) => redis.lease.move(token, moves),
        ...lease,
      },
      leaseMs: 1_000,
    });
    const ending = new AbortController();
    const running = relay.run(ending.signal);
    const end = () => {
      ending.abort();
      return running;
    };
    return { health: () => healthOf(context.state, "apps", 1_000), reported, end };
  }

  it("is not well until a term has begun, and says that nothing was flushed before it was", async () => {
    const redis = new FakeRedis();
    redis.failures.push(refused, refused);
    const { health, reported, end } = start(redis, {});
    await expect.poll(() => health().reason, { interval: 2 }).toBe(refused.message);
    expect(isWell(health())).toBe(false);
    expect(reported).toEqual([]);
    await expect.poll(() => health().status, { interval: 2 }).toBe("active");
    expect(redis.failures).toEqual([]);
    expect(reported).toEqual(["begun: the relay reads this stream for the first time"]);
    await end();
  });

  it("is not well while its positions cannot be read, and well again beside another that is active", async () => {
    const wrongType = new RedisError("read the stream's positions", new Error("WRONGTYPE"));
    let isActive = false;
    const { health, end } = start(new FakeRedis(), {
      acquire: () => Promise.resolve(isActive ? undefined : "1 a"),
      positions: () => Promise.reject(wrongType),
    });
    await expect.poll(() => health().reason, { interval: 2 }).toBe(wrongType.message);
    expect(isWell(health())).toBe(false);
    isActive = true;
    await expect.poll(() => health().status, { interval: 2 }).toBe("standby");
    await end();
  });
});
