import { CANARY_BOUND_MS, type CanaryResult, isInTime } from "../../protocol/canary.ts";
import type { RegisteredNode } from "../../protocol/node.ts";
import { amount } from "../support/amount.ts";
import type { Run } from "../support/command.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { IF_GONE_OR_EXPECT, tooFewNodes } from "../support/node-advice.ts";

/** Milliseconds, by nearest rank. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const STEPS = {
  writeMs: "DynamoDB takes the write",
  streamMs: "stream and function, to the log",
  nodesMs: "to the last node",
  totalMs: "from the write to the last node",
} as const;

type Step = keyof typeof STEPS;

const BOUND = `${CANARY_BOUND_MS / 1_000} s`;

export interface Measured {
  readonly writes: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly expect?: number | undefined;
  /** Those of the registry before the first write. */
  readonly nodes: readonly RegisteredNode[];
}

/** Undefined of nothing. */
export function percentiles(values: readonly number[]): Percentiles | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (percent: number) => sorted[Math.ceil((sorted.length * percent) / 100) - 1];
  const [p50, p90, p99, max] = [at(50), at(90), at(99), sorted.at(-1)];
  if (p50 === undefined || p90 === undefined || p99 === undefined || max === undefined) return undefined;
  return { p50, p90, p99, max };
}

/** Shows what was measured, and says whether it is well. */
export function report(run: Run, results: readonly CanaryResult[], measured: Measured): ExitCode {
  show(run, results);
  const [complaint, exitCode] = verdict(results, measured);
  if (complaint !== undefined) run.terminal.note(complaint);
  return exitCode;
}

export function show({ terminal }: Run, results: readonly CanaryResult[]): void {
  const steps = Object.keys(STEPS) as Step[];
  const of = (step: Step) => percentiles(results.flatMap((result) => result[step] ?? []));
  const inTime = results.filter(isInTime).length;
  const share = results.length === 0 ? null : inTime / results.length;
  const last = results.at(-1);
  terminal.value({
    writes: results.length,
    nodes: last?.confirmed ?? 0,
    inTime,
    share,
    ...Object.fromEntries(steps.map((step) => [step, of(step) ?? null])),
    missing: last?.missing ?? [],
  });
  if (results.length === 0) return;
  terminal.table(
    ["milliseconds", "p50", "p90", "p99", "max"],
    steps.flatMap((step) => {
      const found = of(step);
      return found ? [[STEPS[step], ...[found.p50, found.p90, found.p99, found.max].map(String)]] : [];
    }),
  );
  terminal.print();
  terminal.print(`${inTime} of ${amount(results.length, "change")} within ${BOUND}, ${placeOf(last)}`);
}

const placeOf = (result: CanaryResult | undefined) =>
  result?.expected === 0 ? "in the shared cache" : `on ${amount(result?.confirmed ?? 0, "node")}`;

/** Why it is not well, if it is not. */
function verdict(
  results: readonly CanaryResult[],
  { timeout, expect, nodes }: Measured,
): [complaint: string | undefined, exitCode: ExitCode] {
  const last = results.at(-1);
  if (!last) {
    const silent = nodes.length > 0 ? `; ${amount(nodes.length, "node")} vanished` : "";
    return [
      `no soketi node is registered here, so nothing was written: check APP_SYNC_PREFIX and Redis${silent}`,
      EXIT.unwell,
    ];
  }
  const which = `change ${results.length}`;
  if (last.streamMs === null) {
    return [
      `${which} did not reach the log within ${timeout / 1_000} s: is the function or the relay running? Run "soketi-app-sync doctor" to find out`,
      EXIT.unconfirmed,
    ];
  }
  if (last.totalMs === null) {
    return [
      `${which} was not confirmed within ${timeout / 1_000} s by ${last.missing.join(", ")}: check them with: soketi-app-sync nodes`,
      EXIT.unconfirmed,
    ];
  }
  const fewest = Math.min(...results.map(({ confirmed }) => confirmed));
  if (expect !== undefined && fewest < expect) {
    return [tooFewNodes(expect, fewest, "to confirm"), EXIT.unconfirmed];
  }
  if (expect === undefined && last.missing.length > 0) {
    return [
      `${last.missing.join(", ")} vanished and did not confirm. ${IF_GONE_OR_EXPECT}`,
      EXIT.unconfirmed,
    ];
  }
  const late = results.filter((result) => !isInTime(result)).length;
  return late > 0
    ? [`${amount(late, "change")} took longer than ${BOUND}: the slowest step above says where`, EXIT.unwell]
    : [undefined, EXIT.ok];
}
