import type { Command } from "commander";
import { encodeChanges } from "../protocol/encode.ts";
import { isAgreed } from "./support/agreement.ts";
import { inLine } from "./support/app-name.ts";
import { addSelection, select, type SelectionOptions } from "./support/selection.ts";
import { amount } from "./support/amount.ts";
import { addAnnounceOptions, type AnnounceOptions } from "./support/announce.ts";
import { createCommand, type Run, runCommand } from "./support/command.ts";
import { addWaitOptions, type WaitOptions } from "./support/confirm.ts";
import { EXIT, type ExitCode } from "./support/exit-codes.ts";
import { publishAndConfirm } from "./support/publish.ts";
import type { CommonOptions } from "./support/tools.ts";

type InvalidateOptions = CommonOptions & WaitOptions & AnnounceOptions & SelectionOptions;

/** More are told of by their number. */
const MAX_NAMED = 20;

/** `invalidate APP…`: every node forgets these apps. */
export function createInvalidateCommand(): Command {
  const command = createCommand("invalidate", "Make every node read these apps again.", [
    "invalidate acme globex",
    "invalidate --all --where 'id~^acme-'",
  ]);
  return addAnnounceOptions(addWaitOptions(addSelection(command))).action(
    (appIds: string[], options: InvalidateOptions) =>
      runCommand(options, (run) => invalidate(run, appIds, options)),
  );
}

async function invalidate(
  run: Run,
  appIds: readonly string[],
  options: InvalidateOptions,
): Promise<ExitCode> {
  const { table } = run.tools.config;
  const selection = await select(run, appIds, options);
  const ids = selection.only === undefined ? selection.ids : [selection.only];
  const names = ids.length <= MAX_NAMED ? ids.map(inLine).join(", ") : amount(ids.length, "app");
  if (ids.length === 0 || options.dryRun) {
    run.terminal.value({ apps: ids, dryRun: options.dryRun });
    run.terminal.print(ids.length === 0 ? "no app matches" : `would invalidate: ${names}`);
    return EXIT.ok;
  }
  const question = `Make every node forget ${amount(ids.length, "app")} of table ${table}?`;
  if (options.all && !(await isAgreed(run, options, question))) return EXIT.failed;
  const changes = ids.map((appId) => ({ appId, type: "updated" as const, keys: [], changed: [] }));
  const { reason } = options;
  const encode = (by: string) => encodeChanges(changes, { table, at: Date.now(), by, reason });
  return publishAndConfirm(run, encode, `invalidation of ${names} published`, options);
}
