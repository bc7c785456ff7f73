import type { Command } from "commander";
import type { LogWatch } from "../../fleet/watch-log.ts";
import { addAnnounceOptions, announce, type AnnounceOptions, whoIs } from "../support/announce.ts";
import { type Run, sayWhenInterrupted } from "../support/command.ts";
import { addWaitOptions, beginWatch, confirmWritten, type WaitOptions } from "../support/confirm.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
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
 * @param secrets where a new secret goes instead of standard output.
 * @throws RefusedChangeError when the app would not be one, or not as it is meant; ConflictError when somebody else was first;
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
  await change.write(items);
  sayWhenInterrupted(terminal, `interrupted: app ${appId} is written, and not every node has confirmed it`);
  const place = secrets ?? secretsInOutput(terminal);
  show(terminal, change, checked, secrets);
  const unkept = await keepSecret(place, change, checked.is?.key);
  if (secret !== undefined && secrets && !unkept) terminal.print(`  secret: in ${secrets.name}`);

  const { reason } = options;
  const announced =
    difference && by !== undefined ? await announce(run, [difference], { by, reason }) : undefined;
  const lost = notKept(unkept ? [unkept] : [], place);
  if (lost) throw lost;
  if (!difference) terminal.print("nothing that soketi reads has changed: nodes need no notification");
  if (!difference || !options.wait) return EXIT.ok;
  const written = {
    started,
    watched,
    announced,
    ofPipeline: (watch: LogWatch) => watch.messageOf(appId, started, options.timeout),
    remedy: `"soketi-app-sync invalidate ${appId}" notifies the nodes now`,
  };
  return confirmWritten(run, written, options);
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
