import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Agent } from "../../../src/agent/agent.ts";
import { FLUSH_REASONS } from "../../../src/agent/flush-reasons.ts";
import { agentMetrics } from "../../../src/agent/metrics.ts";
import type { AppIdentity } from "../../../src/agent/ports.ts";
import { WEBHOOK_DROP_REASONS } from "../../../src/agent/webhook-drop-reasons.ts";

type AnyApp = AppIdentity & { readonly enabled: boolean };

const flushes = new Map([
  ["first-sync", 1],
  ["log-trimmed", 2],
]);

/** Every number another, so that none can stand for its neighbour. */
function metricsOf(state: string, cursor?: { seq: number }, lastTail?: object) {
  const agent = {
    leaseHeld: true,
    lastTail,
    flushes,
    follower: { state, cursor, stats: { messages: 11, replays: 12, replayedMessages: 13 } },
    cache: {
      size: 14,
      indexQueries: 15,
      voidedReads: 16,
      stats: { hits: 17, misses: 18, loads: 19, loadErrors: 20, drops: 21, staleServed: 22 },
    },
    connections: {
      revalidator: { appsInUse: 25, boundMs: 26_000 },
      pace: { perSecond: 27 },
      closer: { waiting: 28 },
    },
    verifier: { verified: 23, stale: 24 },
  };
  const counts = {
    changes: 31,
    connectionsReplaced: 32,
    connectionsClosed: 33,
    webhooksRetried: 38,
    webhooksDropped: new Map([["app-gone" as const, 34]]),
    itemProblems: 35,
    redisErrors: 36,
    guarded: new Map([["messages", 37]]),
    previousSecrets: {
      counted: (what: "taken" | "refused") => [["acme", what === "taken" ? 39 : 40] as const],
    },
  };
  return agentMetrics(agent as unknown as Agent<AnyApp>, counts);
}

const valuesOf = (state: string, cursor?: { seq: number }) =>
  Object.fromEntries(
    metricsOf(state, cursor, { nodes: 41, left: 42 }).map(({ name, kind, read }) => [
      `${kind} ${name}`,
      read(),
    ]),
  );

describe("agentMetrics", () => {
  it("says nothing of the fleet before the first heartbeat", () => {
    const metrics = metricsOf("syncing");
    const ofFleet = metrics.filter(({ name }) => name.startsWith("nodes"));
    expect(ofFleet.map(({ name, read }) => [name, read()])).toEqual([
      ["nodes", undefined],
      ["nodes_left", undefined],
    ]);
  });

  it("shows each number under its name", () => {
    expect(valuesOf("following", { seq: 10 })).toEqual({
      "gauge lease_held": 1,
      "gauge following": 1,
      "gauge cursor": 10,
      "gauge nodes": 41,
      "gauge nodes_left": 42,
      "gauge entries": 14,
      "gauge apps_in_use": 25,
      "gauge in_use_bound_seconds": 26,
      "gauge reads_allowed_per_second": 27,
      "gauge connections_closing": 28,
      "counter messages_total": 11,
      "counter changes_total": 31,
      "counter replays_total": 12,
      "counter replayed_messages_total": 13,
      "counter flushes_total": FLUSH_REASONS.map((reason) => [reason, flushes.get(reason) ?? 0]),
      "counter drops_total": 21,
      "counter hits_total": 17,
      "counter misses_total": 18,
      "counter loads_total": 19,
      "counter resolves_total": 15,
      "counter voided_reads_total": 16,
      "counter load_errors_total": 20,
      "counter stale_served_total": 22,
      "counter connections_refreshed_total": 32,
      "counter connections_closed_total": 33,
      "counter guarded_total": new Map([["messages", 37]]),
      "counter webhooks_retried_total": 38,
      "counter webhooks_dropped_total": WEBHOOK_DROP_REASONS.map((reason) => [
        reason,
        reason === "app-gone" ? 34 : 0,
      ]),
      "counter item_problems_total": 35,
      "counter redis_errors_total": 36,
      "counter previous_secret_taken_total": [["acme", 39]],
      "counter previous_secret_refused_total": [["acme", 40]],
      "counter verified_total": 23,
      "counter stale_found_total": 24,
    });
  });

  it("before the first message, and while it does not follow", () => {
    expect(valuesOf("syncing")).toMatchObject({ "gauge following": 0, "gauge cursor": 0 });
  });

  it("has each reason of a flush from the start", () => {
    expect(valuesOf("down")["counter flushes_total"]).toContainEqual(["requested", 0]);
    expect(valuesOf("down")["counter flushes_total"]).toContainEqual(["log-trimmed", 2]);
  });

  it("labels flushes and dropped webhooks with their reason, what was guarded with the place, previous secrets with their app, and nothing else", () => {
    const labels = metricsOf("down").flatMap(({ name, label }) =>
      label === undefined ? [] : [[name, label]],
    );
    expect(labels).toEqual([
      ["flushes_total", "reason"],
      ["guarded_total", "where"],
      ["webhooks_dropped_total", "reason"],
      ["previous_secret_taken_total", "app_id"],
      ["previous_secret_refused_total", "app_id"],
    ]);
  });

  it("has a sentence for each, as docs/reference/metrics.md has a row", () => {
    const document = readFileSync(new URL("../../../docs/reference/metrics.md", import.meta.url), "utf8");
    for (const { name, help } of metricsOf("down")) {
      expect(help).toMatch(/^[A-Z1].+\.$/);
      expect(document).toContain(name);
    }
  });
});
