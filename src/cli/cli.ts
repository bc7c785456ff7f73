import { Command } from "commander";
import { createFlushCommand } from "./flush.ts";
import { createInvalidateCommand } from "./invalidate.ts";
import { createNormalizeCommand } from "./normalize.ts";
import { createRedriveCommand } from "./redrive.ts";

/** The bin `soketi-app-sync`. Exit codes: 0 done, 1 failed, 2 the item that was asked about is not usable. */
const program = new Command("soketi-app-sync")
  .description("Operate the app cache of a soketi fleet.")
  .version(__VERSION__)
  .addCommand(createNormalizeCommand())
  .addCommand(createInvalidateCommand())
  .addCommand(createFlushCommand())
  .addCommand(createRedriveCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`soketi-app-sync: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
