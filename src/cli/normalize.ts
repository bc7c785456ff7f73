import type { Command } from "commander";
import { normalize } from "../app/normalize.ts";
import { toPublicView } from "../app/public-view.ts";
import { createCommand, runCommand } from "./support/command.ts";
import { EXIT } from "./support/exit-codes.ts";
import { readText } from "./support/files.ts";
import type { CommonOptions } from "./support/tools.ts";
import { UsageError } from "./support/errors.ts";

/** `normalize FILE`: what every node makes of an item. Its result is JSON, with and without `--json`. */
export function createNormalizeCommand(): Command {
  return createCommand(
    "normalize",
    "Show how every node reads an item, and what is wrong with it. Secrets are not shown.",
    ["normalize item.json"],
  )
    .argument(
      "[file]",
      "file with one item as DynamoDB JSON, alone or as `aws dynamodb get-item` prints it; - is standard input",
      "-",
    )
    .action((file: string, options: CommonOptions) =>
      runCommand(options, async ({ terminal }) => {
        const { app, problems } = normalize(await readItem(file));
        const view = { app: app ? toPublicView(app) : null, problems };
        terminal.value(view);
        terminal.print(JSON.stringify(view, null, 2));
        const hasErrors = problems.some(({ severity }) => severity === "error");
        return app && !hasErrors ? EXIT.ok : EXIT.unwell;
      }),
    );
}

async function readItem(file: string): Promise<unknown> {
  const text = await readText(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(
      `expected DynamoDB JSON such as {"AppId":{"S":"acme"},…} in ${file === "-" ? "standard input" : file}, found something else`,
    );
  }
  return (value as { Item?: unknown } | null)?.Item ?? value;
}
