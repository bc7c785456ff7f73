import { ConflictError } from "../../aws/errors.ts";
import { isRefusedItem } from "../../aws/failed-request.ts";
import type { LogWatch } from "../../fleet/watch-log.ts";
import { amount } from "../support/amount.ts";
import { createAnnouncer } from "./announcer.ts";
import { inLine } from "../support/app-name.ts";
import { type Run, sayWhenInterrupted } from "../support/command.ts";
import { beginWatch, confirmWritten } from "../support/confirm.ts";
import { InterruptedError, RefusedChangeError } from "../support/errors.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { codeOf, explain } from "../support/explain.ts";
import { interruption, releaseInterruption } from "../support/interruption.ts";
import { type Job, runConcurrently } from "./jobs.ts";
import type { ChangeOptions } from "./make-change.ts";
import { changeInWords, checkChange, dryRunInWords, jsonOfChange } from "./planned-change.ts";
import { keepSecret, notKept, secretsInOutput, type SecretsPlace, type Unkept } from "./secrets-file.ts";

export interface Work {
  readonly jobs: Iterable<Job> | AsyncIterable<Job>;
  readonly total: number;
  /** Of the progress bar. */
  readonly doing: string;
  /** Where new secrets go instead of standard output. */
  readonly secrets?: SecretsPlace | undefined;
}

/** People are told of each app when there are no more than these, and of so many that failed. */
const MAX_LINES = 20;

const UNCONFIRMED = "interrupted: not every node has confirmed what is written";

/** What has become of many apps. */
interface Outcome {
  readonly apps: number;
  changed: number;
  /** As it should be already, or not meant any more. */
  unchanged: number;
  failed: number;
}

/** How far the work has come, and who is to be told of it. */
interface Progressing {
  readonly outcome: Outcome;
  /** Those of which nodes have to know. */
  readonly changedIds: Set<string>;
  readonly failures: string[];
  readonly lines: string[];
  /** Those that are changed, and whose new secret is not where it was to be. */
  readonly unkept: Unkept[];
}

/**
 * Makes many changes, a few at a time, and waits once until every node has confirmed them all. One that is refused, or that
 * somebody else was faster with, does not stop the others; a table that fails does. Ctrl-C ends it after the apps under way.
 *
 * @throws what DynamoDB throws, SecretNotKeptError or InterruptedError, after what is done was told.
 */
export async function applyChanges(
  run: Run,
  work: Work,
  options: ChangeOptions & { readonly dryRun?: true },
): Promise<ExitCode> {
  const { terminal } = run;
  const { dryRun = false } = options;
  const watched = dryRun ? undefined : await beginWatch(run, options);
  const announcer = dryRun ? undefined : await createAnnouncer(run, options);
  const outcome: Outcome = { apps: work.total, changed: 0, unchanged: 0, failed: 0 };
  const state: Progressing = { outcome, changedIds: new Set(), failures: [], lines: [], unkept: [] };
  const ended = interruption();
  const onEnded = () => terminal.note("stopping after the apps in progress ...");
  ended.addEventListener("abort", onEnded);
  const progress = dryRun ? undefined : terminal.progress(work.doing, work.total);
  const failure = await runConcurrently(work.jobs, ended, async (job) => {
    const change = await applyJob(run, job, work, state, dryRun);
    if (change) announcer?.add(change);
    progress?.to(done(outcome));
    // Of the next one it could not be kept either.
    if (state.unkept[0]) throw state.unkept[0].error;
  });
  progress?.end();
  ended.removeEventListener("abort", onEnded);
  const started = performance.now();
  const announced = await announcer?.finish();

  const left = outcome.apps - done(outcome);
  const summary = { ...outcome, left, dryRun: dryRun ? true : undefined };
  tellOutcome(run, state, left, dryRun);
  const isAwaited = options.wait && !dryRun && state.changedIds.size > 0;
  if (failure || ended.aborted || !isAwaited) {
    terminal.value(summary);
    const lost = notKept(state.unkept, work.secrets ?? secretsInOutput(terminal));
    if (lost) throw lost;
    if (ended.aborted && left > 0) throw new InterruptedError("interrupted");
    if (failure) throw failure.error;
    if (ended.aborted && isAwaited) throw new InterruptedError(UNCONFIRMED);
    return exitCodeOf(outcome, EXIT.ok);
  }
  releaseInterruption(ended);
  sayWhenInterrupted(terminal, UNCONFIRMED, summary);
  // Once for all: whoever has applied the last message has applied those before it.
  const written = {
    started,
    watched,
    announced,
    ofPipeline: (watch: LogWatch) => watch.messageOfAll(state.changedIds, started, options.timeout),
    remedy: '"soketi-app-sync flush" makes the nodes read everything again',
  };
  return exitCodeOf(outcome, await confirmWritten(run, written, options, summary));
}

const done = ({ changed, unchanged, failed }: Outcome) => changed + unchanged + failed;

/** That some were not changed is told first: nobody else will change them. */
function exitCodeOf({ apps, failed }: Outcome, otherwise: ExitCode): ExitCode {
  if (failed === 0) return otherwise;
  return failed === apps ? EXIT.failed : EXIT.unwell;
}

/** @returns what nodes have to be told. @throws what DynamoDB or the disk throws. */
async function applyJob(run: Run, job: Job, { secrets, total }: Work, state: Progressing, dryRun: boolean) {
  const { terminal, tools } = run;
  const { outcome, lines, changedIds, failures } = state;
  try {
    const change = await job.plan();
    if (!change) {
      outcome.unchanged += 1;
      terminal.value({ appId: job.appId, type: "unchanged", changed: [], dryRun: dryRun ? true : undefined });
      return undefined;
    }
    const items = await tools.items();
    const checked = await checkChange(items, change);
    const { difference, is } = checked;
    if (dryRun) {
      terminal.value({ ...jsonOfChange({ ...change, secret: undefined }, checked), dryRun: true });
      terminal.print(dryRunInWords(change, checked));
    } else {
      if (state.unkept.length > 0) return undefined;
      await change.write(items);
      terminal.value(jsonOfChange(secrets ? { ...change, secret: undefined } : change, checked));
      const unkept = await keepSecret(secrets ?? secretsInOutput(terminal), change, is?.key);
      if (unkept) state.unkept.push(unkept);
      if (total <= MAX_LINES) lines.push(changeInWords(change, checked));
    }
    if (!difference) {
      outcome.unchanged += 1;
      return undefined;
    }
    outcome.changed += 1;
    changedIds.add(job.appId);
    return difference;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const words = explain(error, tools.config);
    outcome.failed += 1;
    terminal.value({ appId: job.appId, error: words, code: codeOf(error) });
    if (failures.length < MAX_LINES) failures.push(`app ${inLine(job.appId)}: ${words}`);
    return undefined;
  }
}

/** Of this app alone: DynamoDB takes no item of over 400 KB, say, and tells that when it is written. */
function isRefusal(error: unknown): boolean {
  return error instanceof RefusedChangeError || error instanceof ConflictError || isRefusedItem(error);
}

function tellOutcome({ terminal }: Run, state: Progressing, left: number, dryRun: boolean): void {
  const { outcome, lines, failures } = state;
  const { apps, changed, unchanged, failed } = outcome;
  for (const line of lines) terminal.print(line);
  for (const line of failures) terminal.print(terminal.colors.red(line));
  if (failed > failures.length) {
    terminal.print(`… and ${amount(failed - failures.length, "app")} more: --json names all`);
  }
  const parts = [
    `${changed} ${dryRun ? "would change" : "changed"}`,
    ...(unchanged > 0 ? [`${unchanged} unchanged`] : []),
    ...(failed > 0 ? [`${failed} refused`] : []),
    ...(left > 0 ? [`${left} not tried`] : []),
  ];
  terminal.print(`${amount(apps, "app")}: ${parts.join(", ")}`);
  if (dryRun) terminal.print("nothing was written");
}
