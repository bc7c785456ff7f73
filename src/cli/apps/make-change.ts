import type { Command } from "commander";
import type { MessageId } from "../../protocol/message-id.ts";
import { addAnnounceOptions, announce, type AnnounceOptions, whoIs } from "../support/announce.ts";
import { type Run, sayWhenInterrupted } from "../support/command.ts";
import {
  addWaitOptions,
  beginWatch,
  confirmByNodes,
  NO_REDIS,
  type WaitOptions,
  type Watched,
} from "../support/confirm.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { explain } from "../support/explain.ts";
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
  return confirmOne(run, { appId, announced, started, watched }, options);
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

interface Confirming {
  readonly appId: string;
  readonly announced: string | undefined;
  readonly started: number;
  readonly watched: Watched | undefined;
}

async function confirmOne(
  run: Run,
  { appId, announced, started, watched }: Confirming,
  options: ChangeOptions,
): Promise<ExitCode> {
  const { tools, terminal } = run;
  if (!watched) {
    terminal.note(NO_REDIS);
    return EXIT.unconfirmed;
  }
  // A shared cache is seen to by the function alone: that has to be waited for.
  const isInSharedCache = tools.config.sharedCache !== undefined;
  const isEnough = announced !== undefined && !isInSharedCache;
  let id: MessageId | string | undefined;
  try {
    id = isEnough ? announced : await watched.watch.messageOf(appId, started, options.timeout);
  } catch (error) {
    terminal.note(`written, but not confirmed: ${explain(error, tools.config, tools.redisTrouble())}`);
    return EXIT.unconfirmed;
  }
  if (id === undefined) {
    terminal.note(
      `written, but no message about it arrived within ${options.timeout / 1_000} s: is the function running? ` +
        `Run "soketi-app-sync doctor" to find out; "soketi-app-sync invalidate ${appId}" notifies the nodes now`,
    );
    return EXIT.unconfirmed;
  }
  return confirmByNodes(run, id, { started, nodes: watched.nodes, isInSharedCache }, options, {});
}
