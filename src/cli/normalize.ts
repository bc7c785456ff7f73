import { readFileSync } from "node:fs";
import { Command } from "commander";
import { normalize } from "../app/normalize.ts";
import { toPublicView } from "../app/public-view.ts";

/** `normalize FILE`: what every node makes of an item. */
export function createNormalizeCommand(): Command {
  return new Command("normalize")
    .description("Show what every node makes of an item, and what is wrong with it. Secrets are not shown.")
    .argument("[file]", "the item as DynamoDB JSON, alone or as `aws dynamodb get-item` prints it", "-")
    .addHelpText(
      "after",
      '\nExample:\n  aws dynamodb get-item --table-name apps --key \'{"AppId":{"S":"acme"}}\' | soketi-app-sync normalize',
    )
    .action((file: string) => {
      const { app, problems } = normalize(readItem(file));
      const view = { app: app ? toPublicView(app) : null, problems };
      process.stdout.write(`${JSON.stringify(view, null, 2)}\n`);
      if (!app) process.exitCode = 2;
    });
}

function readItem(file: string): unknown {
  const text = readFileSync(file === "-" ? 0 : file, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(
      `expected DynamoDB JSON such as {"AppId":{"S":"acme"},…} in ${file}, found something else`,
    );
  }
  return (value as { Item?: unknown } | null)?.Item ?? value;
}
