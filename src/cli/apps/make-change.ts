import type { Command } from "commander";
import { normalize } from "../../app/normalize.ts";
import type { LogWatch } from "../../fleet/watch-log.ts";
import { addAnnounceOptions, announce, type AnnounceOptions, whoIs } from "../support/announce.ts";
import { asArgument, inLine } from "../support/app-name.ts";
import { type Run, sayWhenInterrupted } from "../support/command.ts";
import {
  addWaitOptions,
  beginWatch,
  confirmByNodes,
  confirmWritten,
  type WaitOptions,
  type Watched,
} from "../support/confirm.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { InterruptedError } from "../support/errors.ts";
import { interruption, releaseInterruption } from "../support/interruption.ts";
import type { Terminal } from "../support/terminal.ts";
import type { CommonOptions } from "../support/tools.ts";
import {
  changeInWords,
  checkChange,
  type CheckedChange,
  dryRunInWords,
  jsonOfChange,
  type PlannedChange,
} from "./planned-change.ts";
import { keepSecret, notKept, secretsInOutput, type SecretsPlace } from "./secrets-file.ts";

export type ChangeOptions = CommonOptions & WaitOptions & AnnounceOptions;

export function addChangeOptions(command: Command): Command {
  return addAnnounceOptions(addWaitOptions(command));
}

/**
 * Checks a change, makes it, and waits until every node has confirmed it.
 *
 * Ctrl-C does not end it before it is known what was written.
 *
 * @param secrets where a new secret goes instead of standard output.
 * @throws InterruptedError after that; RefusedChangeError when the app would not be one, or not as it is meant; ConflictError when somebody else was first;
 *   SecretNotKeptError when it is made, and its secret is not where it was to be.
 */
export async function makeChange(
  run: Run,
  change: PlannedChange,
  options: ChangeOptions & { readonly dryRun?: true },
  secrets?: SecretsPlace,
): Promise<ExitCode> {
  const { tools, terminal } = run;
  const { appId, secret } = change;
  const items = await tools.items();
  const who = tools.config.redis ? whoIs(options, tools.config) : undefined;
  const checked = await checkChange(items, change);
  const { difference } = checked;
  if (options.dryRun) {
    terminal.value({ ...jsonOfChange({ ...change, secret: undefined }, checked), dryRun: true });
    terminal.print(dryRunInWords(change, checked));
    return EXIT.ok;
  }

  const by = await who;
  const watched = await beginWatch(run, options);
  const started = performance.now();
  // Ended in its middle, it may be made, and its new secret would be nowhere to be read.
  const ended = interruption();
  ended.addEventListener("abort", () => terminal.note("finishing the write in progress ..."));
  await change.write(items).catch((error: unknown) => {
    releaseInterruption(ended);
    throw error;
  });
  const place = secrets ?? secretsInOutput(terminal);
  show(terminal, change, checked, secrets);
  const unkept = await keepSecret(place, change, checked.is?.key);
  if (secret !== undefined && secrets && !unkept) terminal.print(`  secret: in ${secrets.name}`);

  const { reason } = options;
  const announced =
    difference && by !== undefined ? await announce(run, [difference], { by, reason }) : undefined;
  const unconfirmed = `interrupted: app ${inLine(appId)} is written, and not every node has confirmed it`;
  sayWhenInterrupted(terminal, unconfirmed);
  releaseInterruption(ended);
  const lost = notKept(unkept ? [unkept] : [], place);
  if (lost) throw lost;
  if (!options.wait) return EXIT.ok;
  if (ended.aborted) throw new InterruptedError(unconfirmed);
  if (!difference) return confirmUnchanged(run, change, checked, { by, watched, started }, options);
  const written = {
    started,
    watched,
    announced,
    ofPipeline: (watch: LogWatch) => watch.messageOf(appId, started, options.timeout),
    remedy: `"soketi-app-sync invalidate ${asArgument(appId)}" notifies the nodes now`,
  };
  return confirmWritten(run, written, options);
}

interface Unchanged {
  /** Undefined without Redis. */
  readonly by: string | undefined;
  readonly watched: Watched | undefined;
  readonly started: number;
}

/**
 * An app that was as it is to be: nodes need not know it. A change that was not confirmed is repeated so, and nothing comes from
 * the stream this time.
 */
async function confirmUnchanged(
  run: Run,
  { appId, before }: PlannedChange,
  { is }: CheckedChange,
  { by, watched, started }: Unchanged,
  options: ChangeOptions,
): Promise<ExitCode> {
  const { reason } = options;
  const { tools, terminal } = run;
  if (by === undefined || !watched) {
    terminal.print("nothing that soketi reads has changed; nodes were not asked: no Redis is configured");
    return EXIT.ok;
  }
  terminal.print("nothing that soketi reads has changed; every node reads it again");
  const key = is?.key ?? (before && normalize(before).key);
  const same = {
    appId,
    type: "updated" as const,
    keys: key === undefined ? [] : [key],
    changed: [],
    app: is?.app,
  };
  const id = await announce(run, [same], { by, reason }, "they may hold another state");
  if (id === undefined) return EXIT.unconfirmed;
  const isInSharedCache = tools.config.sharedCache !== undefined;
  return confirmByNodes(run, id, { started, nodes: watched.nodes, isInSharedCache }, options);
}

/** What was done; a new secret, too, unless it goes elsewhere. */
function show(
  terminal: Terminal,
  change: PlannedChange,
  checked: CheckedChange,
  secrets: SecretsPlace | undefined,
): void {
  const { secret } = change;
  terminal.value(jsonOfChange(secrets ? { ...change, secret: undefined } : change, checked));
  terminal.print(changeInWords(change, checked));
  if (checked.newKey !== undefined) terminal.print(`  key:    ${checked.newKey}`);
  if (secret !== undefined && !secrets) terminal.print(`  secret: ${secret}   (not shown again)`);
}
