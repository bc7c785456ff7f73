import type { FileHandle } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import type { AppItems } from "../../aws/app-items.ts";
import { ConflictError } from "../../aws/errors.ts";
import type { Attributes, RawItem } from "../../aws/raw-item.ts";
import { isAgreed } from "../support/agreement.ts";
import { amount } from "../support/amount.ts";
import { inLine } from "../support/app-name.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { RefusedChangeError, UsageError } from "../support/errors.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { createPrivateFile, defaultBackupFile, expectFile } from "../support/files.ts";
import { explain } from "../support/explain.ts";
import { applyChanges } from "./apply-changes.ts";
import { digestOf, type ExportedItem, lineOf, ownAttributes, readExport } from "./exported-items.ts";
import { type Job, runConcurrently } from "./jobs.ts";
import { addChangeOptions, type ChangeOptions } from "./make-change.ts";
import { checkChange, type PlannedChange } from "./planned-change.ts";

interface ImportOptions extends ChangeOptions {
  readonly overwrite?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly backup?: string;
}

/** `apps import FILE`: items of an export, edited or not, back into the table. */
export function createImportCommand(): Command {
  const command = createCommand("import", "Write the items of an export to the table.", [
    "apps import apps.jsonl --dry-run",
    "apps import apps.jsonl --yes --backup before.jsonl",
  ])
    .argument("<file>", "from apps export, or a DynamoDB export to S3 (DynamoDB JSON)")
    .option("--overwrite", "also replace items that were changed after the export")
    .option("--dry-run", "show what would change, and change nothing")
    .option("-y, --yes", "do not ask")
    .option("--backup <file>", "where to save replaced items; apps import restores them");
  return addChangeOptions(command).action((file: string, options: ImportOptions) =>
    runCommand(options, (run) => importFrom(run, file, options)),
  );
}

async function importFrom(run: Run, file: string, options: ImportOptions): Promise<ExitCode> {
  const { terminal, tools } = run;
  const items = await tools.items();
  await expectFile(file);
  const found = await examine(run, file, options);
  if (found.refusals.length > 0) throw refusal(found.refusals);
  const { apps, created, replaced } = found;
  if (created + replaced > 0 && !options.dryRun) {
    const what = `Create ${amount(created, "app")} and replace ${replaced} in table ${tools.config.table}?`;
    if (!(await isAgreed(run, options, what))) return EXIT.failed;
  }
  const name =
    replaced > 0 && !options.dryRun ? (options.backup ?? defaultBackupFile(tools.config.table)) : undefined;
  const backup = name === undefined ? undefined : await createPrivateFile(name, "--backup");
  if (name !== undefined) terminal.note(`backup: ${name}`);
  try {
    const work = { jobs: jobsOf(items, file, options, backup), total: apps, doing: "importing" };
    return await applyChanges(run, work, options);
  } finally {
    await backup?.close();
  }
}

interface Examination {
  apps: number;
  created: number;
  replaced: number;
  readonly refusals: string[];
}

/** Nothing is written: Ctrl-C ends it at once. */
const untilItsEnd = new AbortController().signal;

/** Reads the whole file, and what the table has instead: nothing is written before all of it is known to be good. */
async function examine(run: Run, file: string, options: ImportOptions): Promise<Examination> {
  const items = await run.tools.items();
  const found: Examination = { apps: 0, created: 0, replaced: 0, refusals: [] };
  const ids = new Set<string>();
  /** Of apps that get a key that they have not. */
  const byKey = new Map<string, PlannedChange>();
  const failure = await runConcurrently(jobsOf(items, file, options), untilItsEnd, async (job) => {
    const { appId } = job;
    if (ids.has(appId))
      throw new UsageError(`expected each app once, found ${inLine(appId)} twice in ${file}`);
    ids.add(appId);
    found.apps += 1;
    try {
      const change = await job.plan();
      if (!change) return;
      const { newKey } = await checkChange(items, change);
      if (newKey !== undefined) {
        refuseTaken(change, byKey.get(newKey));
        byKey.set(newKey, change);
      }
      if (change.before) found.replaced += 1;
      else found.created += 1;
    } catch (error) {
      if (error instanceof ConflictError) return;
      if (!(error instanceof RefusedChangeError)) throw error;
      found.refusals.push(`app ${inLine(appId)}: ${explain(error, run.tools.config)}`);
    }
  });
  if (failure) throw failure.error;
  return found;
}

/** The table knows neither yet. Two that it had with one key may come back so. @throws RefusedChangeError */
function refuseTaken(change: PlannedChange, other: PlannedChange | undefined): void {
  if (!other || (change.isAsExported && other.isAsExported)) return;
  throw new RefusedChangeError(`expected an unused key, found that of app ${other.appId} in the file`);
}

/** Refusals that are named. */
const MAX_REFUSALS = 20;

function refusal(refusals: readonly string[]): RefusedChangeError {
  const named = refusals.slice(0, MAX_REFUSALS).join("\n");
  const more = refusals.length > MAX_REFUSALS ? `\n… and ${refusals.length - MAX_REFUSALS} more` : "";
  return new RefusedChangeError(
    `expected items that can all be written, found ${amount(refusals.length, "app")} that cannot be; nothing was written:\n${named}${more}`,
  );
}

async function* jobsOf(
  items: AppItems,
  file: string,
  { overwrite }: ImportOptions,
  backup?: FileHandle,
): AsyncIterable<Job> {
  for await (const exported of readExport(file)) {
    const appId = exported.item.AppId?.S ?? "";
    yield {
      appId,
      plan: async () => planOf(exported, appId, await ownItem(items, appId), overwrite === true, backup),
    };
  }
}

async function ownItem(items: AppItems, appId: string): Promise<RawItem | undefined> {
  const item = await items.get(appId);
  return item && ownAttributes(item);
}

/** @throws ConflictError for what somebody has changed since the export. */
function planOf(
  { item, exported }: ExportedItem,
  appId: string,
  before: RawItem | undefined,
  overwrite: boolean,
  backup: FileHandle | undefined,
): PlannedChange | undefined {
  // What the table had in this form may come back in it, whatever is wrong with it.
  const isAsExported = exported === digestOf(item);
  if (!before) {
    return { appId, before, after: item, isAsExported, write: (table) => table.create(item) };
  }
  const now = digestOf(before);
  if (now === digestOf(item)) return undefined;
  if (now !== exported && !overwrite) {
    throw new ConflictError(
      `expected app ${inLine(appId)} as it was exported, found that it was changed since: check it, or pass --overwrite`,
    );
  }
  return {
    appId,
    before,
    after: item,
    isAsExported,
    async write(table) {
      // On the disk before the table is: an import of the backup finds the item as this one has left it.
      await backup?.appendFile(lineOf(before, digestOf(item)));
      await backup?.datasync();
      await table.change(appId, differing(before, item), expectedOf(before, item));
    },
  };
}

function differing(before: RawItem, after: RawItem): Attributes {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return Object.fromEntries(
    names.filter((name) => !isDeepStrictEqual(before[name], after[name])).map((name) => [name, after[name]]),
  );
}

/** The whole item as it was read. */
function expectedOf(before: RawItem, after: RawItem): Attributes {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  names.delete("AppId");
  return Object.fromEntries([...names].map((name) => [name, before[name]]));
}
