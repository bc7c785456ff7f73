import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createPowertools, type Telemetry } from "../../../src/lambda/powertools.ts";
import { RedisError } from "../../../src/redis/errors.ts";

interface Line {
  readonly level?: string;
  readonly message?: string;
  readonly code?: string;
  readonly _aws?: { readonly CloudWatchMetrics: readonly { readonly Dimensions: readonly string[][] }[] };
  readonly [name: string]: unknown;
}

let written: string[];
let powertools: Telemetry;

beforeEach(() => {
  written = [];
  vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "false");
  vi.stubEnv("POWERTOOLS_LOG_LEVEL", "INFO");
  const keep = (text: unknown) => written.push(String(text)) > 0;
  vi.spyOn(process.stdout, "write").mockImplementation(keep);
  vi.spyOn(process.stderr, "write").mockImplementation(keep);
  powertools = createPowertools();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const lines = () =>
  written
    .join("")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

/** The metrics of one invocation: EMF, which CloudWatch reads out of the log. */
function metrics(): Record<string, unknown> {
  powertools.flush();
  const found: Record<string, unknown> = {};
  for (const { _aws, service, timestamp: _, code, ...values } of lines().filter((line) => line._aws)) {
    expect(service).toBe("soketi-app-sync");
    for (const [name, value] of Object.entries(values))
      found[code === undefined ? name : `${name} ${code}`] = value;
  }
  return found;
}

describe("metrics", () => {
  it("of a batch that was published", () => {
    const { report } = powertools;
    report.batchStarted("1");
    report.itemProblems("a", [
      { code: "number-invalid", severity: "warning", attribute: "MaxConnections", message: "m" },
      { code: "number-invalid", severity: "warning", attribute: "MaxEventNameLength", message: "m" },
      { code: "webhook-without-events", severity: "error", attribute: "Webhooks", message: "m" },
    ] as never);
    report.unreadableRecord("2", "no keys");
    report.notRefreshed(["a", "b"]);
    report.published({
      records: 9,
      published: 5,
      coalesced: 2,
      unchanged: 1,
      unreadable: 1,
      messages: 2,
      ageMs: 40,
    });
    expect(metrics()).toEqual({
      InvalidItems: 1,
      "ItemProblems number-invalid": 2,
      "ItemProblems webhook-without-events": 1,
      UnreadableRecords: 1,
      AppsNotRefreshed: 2,
      Published: 5,
      Coalesced: 2,
      Unchanged: 1,
      PublishAge: 40,
    });
  });

  it("of a batch that failed, and came again", () => {
    const { report } = powertools;
    report.batchStarted("7");
    report.publishFailed(
      new RedisError("append the messages", new Error("READONLY You can't write")),
      "7",
      3,
    );
    expect(metrics()).toEqual({ PublishFailures: 1, RedisErrors: 1 });
    expect(lines()[0]).toMatchObject({ level: "ERROR", code: "READONLY", sequenceNumber: "7" });
    written = [];
    report.batchStarted("7");
    report.batchStarted("7");
    expect(metrics()).toEqual({ BatchRetries: 1 });
  });

  it("of redrive and sweep", () => {
    const { report } = powertools;
    const range = { streamArn: "arn", shardId: "s", from: "1", to: "2" };
    report.rangeRedriven(range, 2);
    report.rangeGone(undefined, "no range");
    report.redriveFailed(range, new Error("throttled"));
    report.sweepFailed(new Error("no time"));
    report.swept({ apps: 3, entries: 6, repaired: 0, removed: 0, unsettled: 2, foreign: 1 });
    expect(metrics()).toEqual({
      RangesRedriven: 1,
      RangesGone: 1,
      RedriveFailures: 1,
      SweepFailures: 1,
      SweptApps: 3,
      SweptEntries: 6,
      SweepRepaired: 0,
      SweepRemoved: 0,
      SweepUnsettled: 2,
      SweepForeign: 1,
    });
  });

  it.each([
    [0, 0, "INFO"],
    [2, 0, "WARN"],
    [0, 1, "WARN"],
  ])(
    "of a sweep that leaves %i unsettled apps and %i foreign keys alone: %s",
    (unsettled, foreign, level) => {
      const { report } = powertools;
      report.swept({ apps: 3, entries: 6, repaired: 0, removed: 0, unsettled, foreign });
      expect(metrics()).toMatchObject({ SweepUnsettled: unsettled, SweepForeign: foreign });
      expect(lines()[0]).toMatchObject({ level, unsettled, foreign });
    },
  );

  it("of a canary that reached every node, and of one that did not", () => {
    const { report } = powertools;
    const result = { at: 5, intervalMs: 60_000, writeMs: 4, streamMs: 300, nodesMs: 6, totalMs: 310 };
    report.canaryMeasured({ ...result, expected: 2, confirmed: 2, missing: [], vanished: 1 }, false);
    expect(metrics()).toEqual({
      CanaryWriteTime: 4,
      CanaryStreamTime: 300,
      CanaryNodesTime: 6,
      CanaryTime: 310,
      CanaryNodesExpected: 2,
      CanaryNodesConfirmed: 2,
      CanaryNodesVanished: 1,
      CanaryIncomplete: 0,
      CanaryInTime: 1,
    });
    expect(lines()[0]).toMatchObject({ level: "INFO", message: "a change is in effect on every node" });
    written = [];
    const lost = { streamMs: null, nodesMs: null, totalMs: null, expected: 2, confirmed: 0 };
    report.canaryMeasured({ ...result, ...lost, missing: ["host-1 7", "host-2 7"] }, false);
    // How long it takes is not known: nothing is written that a percentile could be made of.
    expect(metrics()).toEqual({
      CanaryWriteTime: 4,
      CanaryNodesExpected: 2,
      CanaryNodesConfirmed: 0,
      CanaryNodesVanished: 0,
      CanaryIncomplete: 1,
      CanaryInTime: 0,
    });
    expect(lines()[0]).toMatchObject({ level: "WARN", missing: ["host-1 7", "host-2 7"] });
  });

  it("of a canary without a node: incomplete, unless the fleet may be on the shared cache alone", () => {
    const result = { at: 5, intervalMs: null, writeMs: 4, streamMs: 300, nodesMs: 0, totalMs: 304 };
    const alone = { ...result, expected: 0, confirmed: 0, missing: [] };
    powertools.report.canaryMeasured(alone, false);
    expect(metrics()).toMatchObject({ CanaryIncomplete: 1 });
    written = [];
    powertools.report.canaryMeasured(alone, true);
    expect(metrics()).toMatchObject({ CanaryIncomplete: 0 });
  });

  it("of a canary that measured nothing: none, for which its alarm waits", () => {
    powertools.report.canaryFailed(new RedisError("read the log", new Error("NOPERM no permissions")));
    expect(lines()).toMatchObject([{ level: "ERROR", code: "NOPERM" }]);
    powertools.flush();
    expect(written.join("")).not.toContain("Canary");
  });

  it("of trouble with the connection", () => {
    powertools.connectionError(
      Object.assign(new Error("connect ECONNREFUSED"), { command: { args: ["s3cret"] } }),
    );
    expect(metrics()).toEqual({ RedisErrors: 1 });
    expect(written.join("")).not.toContain("s3cret");
  });

  it("that were written are not written again", () => {
    powertools.report.unreadableRecord("2", "no keys");
    expect(metrics()).toEqual({ UnreadableRecords: 1 });
    written = [];
    powertools.flush();
    expect(written.filter((line) => line.includes("UnreadableRecords"))).toEqual([]);
  });
});
