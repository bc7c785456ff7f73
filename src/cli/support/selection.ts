import type { Command } from "commander";
import { amount } from "./amount.ts";
import type { AgreementOptions } from "./agreement.ts";
import { appIds, collect } from "./arguments.ts";
import type { Run } from "./command.ts";
import { readTable } from "./read-table.ts";
import { UsageError } from "./errors.ts";
import { listed } from "./fields.ts";
import { type Condition, parseConditions } from "./where.ts";

/** Which apps a command is for. */
export interface SelectionOptions extends AgreementOptions {
  readonly all?: true;
  readonly where?: readonly string[];
}

export function addSelection(command: Command): Command {
  return command
    .argument("[app...]", "ids (AppId)", appIds)
    .option("--all", "instead of ids: every app in the table, or those matching --where")
    .option("--where <condition>", "with --all: only matching apps, as in apps list; repeatable", collect)
    .option("--dry-run", "show what would change, and change nothing")
    .option("-y, --yes", "do not ask");
}

/** One app by its id, or what takes a run through many. */
export type Selection =
  | { readonly only: string }
  | { readonly only?: undefined; readonly ids: readonly string[]; readonly isMeant: Condition };

/**
 * Reads the table for `--all`: ids alone are held.
 *
 * @throws UsageError unless either ids are given or `--all`.
 */
export async function select(
  run: Run,
  appIds: readonly string[],
  { all, where }: SelectionOptions,
): Promise<Selection> {
  if (where && !all) throw new UsageError("--where: expected --all beside it, found it alone");
  if (all && appIds.length > 0) {
    throw new UsageError(`expected ids of apps, or --all; found ${amount(appIds.length, "id")} and --all`);
  }
  if (!all && appIds.length === 0) throw new UsageError("expected ids of apps, or --all; found neither");
  const isMeant = parseConditions(where);
  if (all) return { ids: await idsOf(run, isMeant), isMeant };
  const ids = [...new Set(appIds)];
  const [only] = ids;
  return ids.length === 1 && only !== undefined ? { only } : { ids, isMeant };
}

async function idsOf(run: Run, isMeant: Condition): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of readTable(run)) {
    for (const app of page.map(listed).filter(isMeant)) ids.push(app.id);
  }
  return ids;
}
