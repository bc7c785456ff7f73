import { setTimeout as pause } from "node:timers/promises";
import { Option, type Command } from "commander";
import {
  CANARY_ATTRIBUTE,
  type CanaryItem,
  createCanaryItem,
  takenByAnother,
} from "../../aws/canary-item.ts";
import { readCanaryApp } from "../../config/canary.ts";
import { keepCanaryResult } from "../../fleet/canary-results.ts";
import { measureChange } from "../../fleet/measure-change.ts";
import { READS_REPLICA } from "../../fleet/reads-replica.ts";
import { nodesToWaitFor } from "../../fleet/wait-for-nodes.ts";
import type { CanaryResult } from "../../protocol/canary.ts";
import { amount } from "../support/amount.ts";
import { count, duration } from "../support/arguments.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { InterruptedError, UsageError } from "../support/errors.ts";
import type { ExitCode } from "../support/exit-codes.ts";
import { explain } from "../support/explain.ts";
import { interruption } from "../support/interruption.ts";
import type { CommonOptions } from "../support/tools.ts";
import { report, show } from "./report.ts";

interface MeasureOptions extends CommonOptions {
  readonly writes: number;
  /** Milliseconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly expect?: number;
}

/** `measure`: how long a change takes from the table to the last node, many times. */
export function createMeasureCommand(): Command {
  return createCommand(
    "measure",
    "Write a disabled app again and again, and time each change until the last node has it.",
    ["measure", "measure --writes 1000 --interval 200ms --expect 4", "measure --json | jq .share"],
  )
    .addOption(new Option("--writes <n>", "number of writes").argParser(count).default(100))
    .addOption(
      new Option("--interval <time>", "average pause between two writes")
        .argParser(duration)
        .default(500, "500ms"),
    )
    .addOption(
      new Option("--timeout <time>", "how long to wait for each").argParser(duration).default(8_000, "8s"),
    )
    .addOption(new Option("--expect <n>", "number of nodes that must confirm").argParser(count))
    .action((options: MeasureOptions) => runCommand(options, (run) => measure(run, options)));
}

async function measure(run: Run, options: MeasureOptions): Promise<ExitCode> {
  const { tools } = run;
  const { table } = tools.config;
  const appId = readCanaryApp(process.env);
  const before = await (await tools.items()).get(appId);
  if (before && before[CANARY_ATTRIBUTE]?.BOOL !== true) throw new UsageError(takenByAnother(appId));
  const fleet = await tools.fleet();
  const nodes = await nodesToWaitFor(fleet);
  if (fleet.readsReplica) run.terminal.note(READS_REPLICA);
  // A fleet on a shared cache may have no node with the agent: what the function publishes is in that cache.
  if (!tools.config.sharedCache && nodes.every(({ silentMs }) => silentMs !== undefined))
    return report(run, [], { ...options, nodes });
  const interrupted = interruption();
  const item = createCanaryItem((await tools.dynamodb()).tables, table, appId);
  let results: CanaryResult[] = [];
  try {
    results = await measureAll(run, options, item, interrupted);
  } finally {
    if (!before) await remove(run, item);
  }
  await keep(run, results);
  if (!interrupted.aborted) return report(run, results, { ...options, nodes });
  show(run, results);
  throw new InterruptedError(`interrupted after ${amount(results.length, "write")} of ${options.writes}`);
}

/** Until all are done, one is lost, or it is interrupted. Rejects as `measureChange`. */
async function measureAll(
  { tools, terminal }: Run,
  { writes, interval, timeout }: MeasureOptions,
  item: CanaryItem,
  interrupted: AbortSignal,
): Promise<CanaryResult[]> {
  const fleet = await tools.fleet();
  const aborted = new Promise<undefined>((resolve) => {
    interrupted.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const results: CanaryResult[] = [];
  const bar = terminal.progress("measuring", writes);
  try {
    while (results.length < writes && !interrupted.aborted) {
      const result = await Promise.race([measureChange(fleet, item, { limitMs: timeout }), aborted]);
      if (!result) break;
      results.push(result);
      bar.to(results.length);
      // Each that follows would be waited for as long.
      if (result.totalMs === null) break;
      if (results.length === writes) break;
      // By chance, so as not to keep step with a stream that is polled four times a second.
      const pauseMs = interval * (0.5 + Math.random());
      await pause(pauseMs, undefined, { signal: interrupted }).catch(() => undefined);
    }
  } finally {
    bar.end();
  }
  return results;
}

/** What was not there before goes. */
async function remove({ tools, terminal }: Run, item: CanaryItem): Promise<void> {
  try {
    await item.remove();
  } catch (error) {
    terminal.note(`app ${item.appId} is left in the table, and disabled: ${explain(error, tools.config)}`);
  }
}

/** The slowest, or the one that was lost, for `doctor`. */
async function keep({ tools, terminal }: Run, results: readonly CanaryResult[]): Promise<void> {
  const slowest = [...results].sort((a, b) => (a.totalMs ?? Infinity) - (b.totalMs ?? Infinity)).at(-1);
  if (!slowest) return;
  try {
    await keepCanaryResult(await tools.redis(), tools.config.names.measured, slowest);
  } catch (error) {
    terminal.note(`doctor cannot show this result: ${explain(error, tools.config, tools.redisTrouble())}`);
  }
}
