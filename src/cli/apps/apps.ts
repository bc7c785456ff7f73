import { Command } from "commander";
import { createCreateCommand } from "./create.ts";
import { createDeleteCommand } from "./delete.ts";
import { createExportCommand } from "./export.ts";
import { createImportCommand } from "./import.ts";
import { createListCommand } from "./list.ts";
import { createEndOverlapCommand, createRotateKeyCommand, createRotateSecretCommand } from "./rotate.ts";
import { createDisableCommand, createEnableCommand, createUpdateCommand } from "./update.ts";

/** `apps`: changes of apps, each a conditional write that then waits until every node has confirmed it. */
export function createAppsCommand(): Command {
  return new Command("apps")
    .description("List, create, change and delete apps, and wait until every node has confirmed.")
    .addCommand(createListCommand())
    .addCommand(createCreateCommand())
    .addCommand(createUpdateCommand())
    .addCommand(createEnableCommand())
    .addCommand(createDisableCommand())
    .addCommand(createRotateSecretCommand())
    .addCommand(createEndOverlapCommand())
    .addCommand(createRotateKeyCommand())
    .addCommand(createDeleteCommand())
    .addCommand(createExportCommand())
    .addCommand(createImportCommand());
}
