import { describe, expect, it } from "vitest";
import { percentiles, report, type Measured } from "../../../src/cli/measure/report.ts";
import type { Run } from "../../../src/cli/support/command.ts";
import type { CanaryResult } from "../../../src/protocol/canary.ts";
import type { RegisteredNode } from "../../../src/protocol/node.ts";

const node = (id: string, silentMs?: number): RegisteredNode => ({
  id,
  entry: { host: `host-${id}`, pid: 7, agent: "0.1.0", soketi: "1.6.1" },
  silentMs,
});

const change = (totalMs: number | null, more: Partial<CanaryResult> = {}): CanaryResult => ({
  at: 0,
  intervalMs: null,
  writeMs: 5,
  streamMs: 200,
  nodesMs: totalMs === null ? null : totalMs - 205,
  totalMs,
  expected: 2,
  confirmed: totalMs === null ? 1 : 2,
  missing: totalMs === null ? ["host-b 7"] : [],
  ...more,
});

function reported(results: readonly CanaryResult[], more: Partial<Measured> = {}) {
  const [values, notes]: [unknown[], string[]] = [[], []];
  const terminal = {
    value: (value: unknown) => values.push(value),
    note: (line: string) => notes.push(line),
    table: () => undefined,
    print: () => undefined,
  };
  const measured = { writes: results.length, timeout: 8_000, nodes: [node("a"), node("b")], ...more };
  const exitCode = report({ terminal } as unknown as Run, results, measured);
  return { exitCode, value: values[0], notes };
}

describe("percentiles", () => {
  it("are values that were measured, by nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentiles(hundred)).toEqual({ p50: 50, p90: 90, p99: 99, max: 100 });
    expect(percentiles([7])).toEqual({ p50: 7, p90: 7, p99: 7, max: 7 });
    expect(percentiles([])).toBeUndefined();
  });
});

describe("what was measured", () => {
  it("is well when every node had every change within 2 s", () => {
    expect(reported([change(300), change(2_000)])).toEqual({
      exitCode: 0,
      notes: [],
      value: {
        writes: 2,
        nodes: 2,
        inTime: 2,
        share: 1,
        missing: [],
        writeMs: { p50: 5, p90: 5, p99: 5, max: 5 },
        streamMs: { p50: 200, p90: 200, p99: 200, max: 200 },
        nodesMs: { p50: 95, p90: 1_795, p99: 1_795, max: 1_795 },
        totalMs: { p50: 300, p90: 2_000, p99: 2_000, max: 2_000 },
      },
    });
  });

  it("is not well when one was late", () => {
    const { exitCode, notes, value } = reported([change(300), change(2_001), change(300), change(300)]);
    expect([exitCode, value]).toEqual([2, expect.objectContaining({ inTime: 3, share: 0.75 })]);
    expect(notes).toEqual([expect.stringMatching(/^1 change took longer than 2 s/)]);
  });

  it.each<[string, CanaryResult, RegExp]>([
    ["a node did not confirm", change(null), /^change 2 was not confirmed within 8 s by host-b 7/],
    [
      "no message came",
      change(null, { streamMs: null, confirmed: 0, missing: ["host-a 7", "host-b 7"] }),
      /^change 2 did not reach the log within 8 s: is the function or the relay running\?/,
    ],
  ])("is not confirmed when %s, and counts among those that were not in time", (_, last, complaint) => {
    const { exitCode, notes, value } = reported([change(300), last]);
    expect([exitCode, value]).toEqual([3, expect.objectContaining({ writes: 2, inTime: 1, share: 0.5 })]);
    expect(notes).toEqual([expect.stringMatching(complaint)]);
  });

  it("is not confirmed by a node that left without saying so, unless it is said how many there are", () => {
    const left = change(300, { confirmed: 1, missing: ["host-b 7"] });
    const nodes = [node("a"), node("b", 90_000)];
    const { exitCode, notes } = reported([left], { nodes });
    expect([exitCode, notes]).toEqual([
      3,
      [expect.stringMatching(/^host-b 7 vanished and did not confirm.*--forget/)],
    ]);
    expect(reported([left], { nodes, expect: 1 }).exitCode).toBe(0);
    expect(reported([left], { nodes, expect: 2 }).exitCode).toBe(3);
  });

  it("is nothing where no node is, or none that is there", () => {
    for (const nodes of [[], [node("a", 90_000)]]) {
      const { exitCode, notes, value } = reported([], { nodes });
      expect([exitCode, value]).toEqual([
        2,
        expect.objectContaining({ writes: 0, share: null, totalMs: null }),
      ]);
      expect(notes).toEqual([
        expect.stringMatching(/^no soketi node is registered here, so nothing was written/),
      ]);
    }
  });
});
