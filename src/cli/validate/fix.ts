import type { RawItem } from "../../aws/raw-item.ts";
import type { AttributeWrite } from "../../app/repair.ts";
import { createBackup, readBackup, type Rewrite } from "./backup.ts";
import { inLine } from "../support/app-name.ts";
import type { Run } from "../support/command.ts";
import { amount } from "../support/amount.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { defaultBackupFile } from "../support/files.ts";
import { interruption, interruptionCode } from "../support/interruption.ts";
import type { Item } from "../support/findings.ts";
import { rewrite, type RewriteOutcome } from "./rewrite.ts";

export interface FixOptions {
  readonly yes?: true;
  readonly dryRun?: true;
  readonly backup?: string;
}

/** What a fix writes, on the condition that the attributes are as they were read. */
export function planned(item: Item, repairs: readonly AttributeWrite[]): Rewrite {
  const raw = item as RawItem;
  const names = repairs.map(({ attribute }) => attribute);
  return {
    appId: raw.AppId?.S ?? "",
    before: Object.fromEntries(names.map((name) => [name, raw[name]])),
    after: Object.fromEntries(repairs.map(({ attribute, value }) => [attribute, value])),
  };
}

/** Writes a plan, after it was agreed to, and a backup of what it changes. */
export async function fix(run: Run, rewrites: readonly Rewrite[], options: FixOptions): Promise<ExitCode> {
  const { terminal, tools } = run;
  if (rewrites.length === 0) {
    terminal.value({ planned: 0, written: 0 });
    terminal.print("nothing to fix");
    return EXIT.ok;
  }
  terminal.print(`${amount(rewrites.length, "item")} to rewrite; their meaning stays the same`);
  if (options.dryRun || !(await agreed(run, options, `Rewrite ${amount(rewrites.length, "item")}?`))) {
    terminal.value({ planned: rewrites.length, written: 0 });
    terminal.print(options.dryRun ? "nothing was written" : "nothing was written: confirm, or pass --yes");
    return EXIT.unwell;
  }
  const file = options.backup ?? defaultBackupFile(tools.config.table);
  const backup = await createBackup(file, tools.config.table);
  const ended = interruption();
  terminal.note(`backup: ${file}`);
  try {
    const outcome = await rewrite(await tools.items(), rewrites, terminal, "fixing", ended, backup);
    return printOutcome(
      run,
      outcome,
      { planned: rewrites.length, backup: file },
      "rewritten",
      `, or undo with: validate --restore ${file}`,
    );
  } catch (error) {
    terminal.note(`not finished. Run it again for the rest; validate --restore ${file} undoes what is done.`);
    throw error;
  } finally {
    await backup.close();
  }
}

/** Takes back what a fix has written, unless somebody has changed it since. */
export async function restore(run: Run, file: string, options: FixOptions): Promise<ExitCode> {
  const { terminal, tools } = run;
  const rewrites = (await readBackup(file, tools.config.table)).map(({ appId, before, after }) => ({
    appId,
    before: after,
    after: before,
  }));
  terminal.print(`${amount(rewrites.length, "item")} in ${file}`);
  if (!(await agreed(run, options, `Restore ${amount(rewrites.length, "item")}?`))) {
    terminal.value({ planned: rewrites.length, written: 0 });
    terminal.print("nothing was written: confirm, or pass --yes");
    return EXIT.unwell;
  }
  const outcome = await rewrite(await tools.items(), rewrites, terminal, "restoring", interruption());
  return printOutcome(run, outcome, { planned: rewrites.length }, "restored");
}

async function agreed({ terminal }: Run, { yes }: FixOptions, question: string): Promise<boolean> {
  return yes === true || terminal.confirm(question);
}

function printOutcome(
  { terminal }: Run,
  outcome: RewriteOutcome,
  value: object,
  done: string,
  undo = "",
): ExitCode {
  const { written, already, conflicts, left } = outcome;
  terminal.value({ ...value, ...outcome });
  terminal.print(`${amount(written, "item")} ${done}${already > 0 ? `, ${already} were already` : ""}`);
  if (conflicts.length > 0) {
    const shown = conflicts.slice(0, 10).map(inLine).join(", ");
    terminal.print(
      terminal.colors.yellow(
        `${amount(conflicts.length, "item")} skipped, changed by someone else: ${shown}${conflicts.length > 10 ? ", …" : ""}`,
      ),
    );
  }
  if (left > 0) {
    terminal.note(`interrupted: ${amount(left, "item")} not tried. Run it again for the rest${undo}.`);
    return interruptionCode();
  }
  return conflicts.length > 0 ? EXIT.unwell : EXIT.ok;
}
