import type { Command } from "commander";
import { count } from "../support/arguments.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { amount } from "../support/amount.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { type AppFindings, Findings, type Item, type Report } from "../support/findings.ts";
import { fix, type FixOptions, planned, restore } from "./fix.ts";
import type { Rewrite } from "./backup.ts";
import { readItems } from "./item-source.ts";
import type { CommonOptions } from "../support/tools.ts";
import { UsageError } from "../support/errors.ts";
import { readTable } from "../support/read-table.ts";
import { problemsFor } from "../support/server-problems.ts";

interface ValidateOptions extends CommonOptions, FixOptions {
  readonly limit: number;
  readonly fix?: true;
  readonly restore?: string;
  readonly strict?: true;
}

type Contradicting = Pick<ValidateOptions, "fix" | "restore" | "dryRun" | "backup">;

/** `validate`: every item of the table, or of files, with its problems; and their repair. */
export function createValidateCommand(): Command {
  return createCommand("validate", "Check every item of the table or of files; rewrite what is safe.", [
    "validate",
    "validate export.json.gz --json | jq '.summary'",
    "validate --fix --dry-run",
    "validate --fix --yes --backup before.jsonl",
    "validate --restore before.jsonl",
  ])
    .argument(
      "[file...]",
      "instead of the table: output of `aws dynamodb scan`, or one item per line, also .gz",
    )
    .option("--limit <n>", "findings to show, worst first", count, 50)
    .option(
      "--fix",
      "rewrite to the documented spelling and remove ended overlaps, without changing the meaning; asks first",
    )
    .option("--dry-run", "with --fix: show what would be written, and write nothing")
    .option("-y, --yes", "with --fix or --restore: do not ask")
    .option("--backup <file>", "with --fix: file for the backup that --restore reads")
    .option("--restore <file>", "undo --fix from its backup")
    .option("--strict", "exit with 2 for warnings, too")
    .action((files: string[], options: ValidateOptions) =>
      runCommand(options, (run) => {
        refuseContradictions(files, options);
        return options.restore === undefined
          ? validate(run, files, options)
          : restore(run, options.restore, options);
      }),
    );
}

/** What would be left out in silence: a dry run that writes, above all. @throws UsageError */
export function refuseContradictions(files: readonly string[], options: Contradicting): void {
  const { fix: isFix, restore: from } = options;
  if (isFix && from !== undefined) throw new UsageError("expected --fix or --restore, found both");
  const doing = isFix ? "--fix" : from === undefined ? undefined : "--restore";
  if (doing !== undefined && files.length > 0) {
    throw new UsageError(`${doing}: expected the table, found files: items in files cannot be rewritten`);
  }
  for (const [name, value] of [
    ["--dry-run", options.dryRun],
    ["--backup", options.backup],
  ] as const) {
    if (value !== undefined && !isFix) {
      throw new UsageError(`${name}: expected --fix beside it, found ${doing ?? "it alone"}`);
    }
  }
}

async function validate(run: Run, files: readonly string[], options: ValidateOptions): Promise<ExitCode> {
  const findings = new Findings(Date.now(), problemsFor(run.tools.config));
  const rewrites: Rewrite[] = [];
  for await (const page of files.length > 0 ? fromFiles(files) : readTable(run)) {
    for (const item of page) {
      const repairs = findings.add(item);
      if (options.fix && repairs.length > 0) rewrites.push(planned(item, repairs));
    }
  }
  const report = findings.report();
  if (!options.fix) {
    run.terminal.value({ ...report, apps: report.apps.slice(0, options.limit) });
    show(run, report, options.limit);
    return report.apps.some(isUnwell(options)) ? EXIT.unwell : EXIT.ok;
  }
  show(run, report, options.limit);
  const fixed = await fix(run, rewrites, options);
  // What cannot be rewritten stays as it is.
  const left = report.apps.map(({ appId, findings }) => ({
    appId,
    findings: findings.filter(({ fixable }) => !fixable),
  }));
  return fixed === EXIT.ok && left.some(isUnwell(options)) ? EXIT.unwell : fixed;
}

async function* fromFiles(files: readonly string[]): AsyncIterable<readonly Item[]> {
  for (const file of files) yield* readItems(file);
}

function isUnwell({ strict }: Pick<ValidateOptions, "strict">): (app: AppFindings) => boolean {
  return ({ findings }) => findings.some(({ severity }) => strict === true || severity === "error");
}

function show({ terminal }: Run, report: Report, limit: number): void {
  const { red, yellow, bold, green } = terminal.colors;
  const rows = report.apps.flatMap(({ appId = "(no AppId)", findings }) =>
    findings.map(({ severity, attribute, code, message, fixable }) => [
      appId,
      severity === "error" ? red(severity) : yellow(severity),
      code,
      attribute,
      fixable ? `${message} ${green("--fix does it.")}` : message,
    ]),
  );
  if (rows.length > 0) terminal.table(["app", "severity", "code", "attribute", "what"], rows.slice(0, limit));
  if (rows.length > limit)
    terminal.print(`… and ${rows.length - limit} more: --limit ${rows.length} shows them`);
  terminal.print();
  const apps = report.apps.length;
  terminal.print(bold(`${amount(report.items, "item")}, ${apps === 0 ? "none" : apps} with problems`));
  if (apps > 0) {
    terminal.table(
      ["code", "items"],
      report.summary.map(({ code, items }) => [code, String(items)]),
    );
  }
}
