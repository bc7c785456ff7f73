import { beforeEach, describe, expect, it } from "vitest";
import { healthOf, isWell } from "../../../src/relay/health.ts";
import { RelayState } from "../../../src/relay/state.ts";

const LEASE_MS = 3_000;
let now: number;
let state: RelayState;
const health = () => healthOf(state, "apps", LEASE_MS);

beforeEach(() => {
  now = 1_000;
  state = new RelayState(() => now);
});

describe("health", () => {
  it("is not well before Redis has answered", () => {
    expect(health()).toMatchObject({ status: "unready", reason: "it is starting" });
    state.stoodBy();
    expect(health()).toMatchObject({ status: "unready", reason: "Redis has not answered in time" });
  });

  it("of one that waits is well while it could take over", () => {
    state.leaseAnswered();
    state.stoodBy();
    expect(health()).toMatchObject({ status: "standby" });
    expect(isWell(health())).toBe(true);
    now += LEASE_MS + 1;
    expect(health().status).toBe("unready");
    state.leaseAnswered();
    state.troubleWith("stream", new Error("Could not find the stream: no answer within 2 s"));
    expect(health()).toMatchObject({
      status: "unready",
      reason: expect.stringContaining("no answer") as string,
    });
  });

  it("of the active one is well while every shard is read to its end", () => {
    state.leaseAnswered();
    state.began("1 a");
    state.shardBegun("s1");
    state.shardBegun("s2");
    expect(health()).toMatchObject({ status: "active", shards: 2, term: "1 a" });
    now += 61_000;
    state.leaseAnswered();
    state.shardCurrent("s1", now);
    expect(health()).toMatchObject({ status: "behind", behindSeconds: 61 });
    state.shardCurrent("s2", now - 50);
    expect(health()).toMatchObject({ status: "active", behindSeconds: 0.1 });
  });

  it("of one that waits forgets what was in the way of its term, and no more", () => {
    state.leaseAnswered();
    state.began("1 a");
    state.troubleWith("batch", new Error("Redis could not append the messages: OOM"));
    state.troubleWith("table", new Error("Could not list the stream's shards: throttled"));
    expect(health()).toMatchObject({ status: "behind" });
    state.stoodBy();
    expect(health()).toMatchObject({ status: "standby" });
    // These are asked on standby, too, and forgotten with the answer.
    state.troubleWith("stream", new Error("Could not find the stream: no answer within 2 s"));
    state.troubleWith("redis", new Error("Redis could not renew the lease: no answer in time"));
    state.stoodBy();
    expect(health()).toMatchObject({
      status: "unready",
      reason:
        "Could not find the stream: no answer within 2 s; Redis could not renew the lease: no answer in time",
    });
    state.answered();
    state.leaseAnswered();
    expect(health()).toMatchObject({ status: "standby" });
  });

  it("of the active one says what is in its way", () => {
    state.leaseAnswered();
    state.began("1 a");
    state.troubleWith("batch", new Error("Redis could not append the messages: OOM"));
    expect(health()).toMatchObject({ status: "behind", reason: "Redis could not append the messages: OOM" });
    state.wellAgain("batch");
    expect(isWell(health())).toBe(true);
    now += LEASE_MS + 1;
    expect(health()).toMatchObject({ status: "behind", reason: "Redis has not confirmed the lease in time" });
  });
});

describe("a stream that gives no answer", () => {
  it("is noticed by the first request that is not answered, and forgotten with the first answer", () => {
    state.requested();
    now += 1_000;
    state.requested();
    now += 1_000;
    expect(state.unansweredMs).toBe(2_000);
    state.answered();
    expect(state.unansweredMs).toBe(0);
  });

  it("is one of this term: what was asked for in the one before is not awaited", () => {
    state.requested();
    now += 5_000;
    state.stoodBy();
    state.began("2 a");
    expect(state.unansweredMs).toBe(0);
  });
});
