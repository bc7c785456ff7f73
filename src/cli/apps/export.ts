import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { link, rm, stat } from "node:fs/promises";
import type { Command } from "commander";
import { amount } from "../support/amount.ts";
import { collect } from "../support/arguments.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { UsageError } from "../support/errors.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { createPrivateFile, fileExists, refuseCompressed } from "../support/files.ts";
import type { CommonOptions } from "../support/tools.ts";
import { lineOf } from "./exported-items.ts";
import { listed } from "../support/fields.ts";
import { readTable } from "../support/read-table.ts";
import { parseConditions } from "../support/where.ts";

interface ExportOptions extends CommonOptions {
  readonly where?: readonly string[];
}

/** `apps export FILE`: items as they are, secrets among them. */
export function createExportCommand(): Command {
  return createCommand("export", "Write items to a file, including secrets.", [
    "apps export apps.jsonl",
    "apps export acme.jsonl --where id=acme",
  ])
    .argument("<file>", "file to create, readable only by you: one JSON line per item")
    .option("--where <condition>", "only matching apps, as in apps list; repeatable", collect)
    .action((file: string, options: ExportOptions) =>
      runCommand(options, (run) => exportTo(run, file, options)),
    );
}

/** The file is there when it is whole. */
async function exportTo(run: Run, file: string, { where }: ExportOptions): Promise<ExitCode> {
  const { terminal } = run;
  const isMeant = parseConditions(where);
  refuseCompressed(file, "export");
  if (
    await stat(file).then(
      () => true,
      () => false,
    )
  )
    throw new UsageError(fileExists(file));
  // Of this run alone: somebody else may write the same file just now.
  const part = `${file}.${randomUUID()}.part`;
  const handle = await createPrivateFile(part, "export");
  // However this ends: Ctrl-C ends it at once.
  process.once("exit", () => rmSync(part, { force: true }));
  let apps = 0;
  try {
    for await (const page of readTable(run, "exporting")) {
      const meant = page.filter((item) => isMeant(listed(item)));
      await handle.appendFile(meant.map((item) => lineOf(item)).join(""));
      apps += meant.length;
    }
    await handle.sync();
    // A rename would replace what somebody has put there meanwhile.
    await link(part, file).catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === "EEXIST" ? new UsageError(fileExists(file)) : error;
    });
  } finally {
    await handle.close();
    await rm(part, { force: true });
  }
  terminal.value({ file, apps });
  terminal.print(`${amount(apps, "app")} in ${file}, including secrets; readable only by you`);
  return EXIT.ok;
}
