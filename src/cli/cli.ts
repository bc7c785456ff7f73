import { Command } from "commander";
import { createGetCommand } from "./get.ts";
import { createValidateCommand } from "./validate/validate.ts";
import { createAppsCommand } from "./apps/apps.ts";
import { createConsoleCommand } from "./console.ts";
import { createDoctorCommand } from "./doctor/doctor.ts";
import { createTailCommand } from "./tail.ts";
import { createFlushCommand } from "./flush.ts";
import { createInvalidateCommand } from "./invalidate.ts";
import { createMeasureCommand } from "./measure/measure.ts";
import { createNodesCommand } from "./nodes.ts";
import { createNormalizeCommand } from "./normalize.ts";
import { createRelayCommand } from "./relay.ts";
import { createRedriveCommand } from "./redrive.ts";
import { createSweepCommand } from "./sweep.ts";
import { complain } from "./support/command.ts";
import { EXIT } from "./support/exit-codes.ts";
import { bearClosedPipes } from "./support/interruption.ts";

// The AWS SDK's advice on Node versions is nothing that whoever runs a command can act on.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

/** Before there is a command, and where one has no output any more. */
const plainTerminal = {
  json: process.argv.includes("--json"),
  note: (line: string) => void process.stderr.write(`${line}\n`),
};

/** The bin `soketi-app-sync`: one file for each command. */
const program = new Command("soketi-app-sync")
  .description("Operate the app cache of a soketi fleet.")
  .version(__VERSION__)
  .addHelpText(
    "after",
    `
The table and Redis are those of the pipeline's variables: REDIS_URL, APP_MANAGER_DYNAMODB_TABLE, AWS_REGION, and the
rest of docs/cli.md.
Exit codes: 0 done and healthy, 1 failed, 2 done but something is wrong, 3 changed but not confirmed by every node,
7 done but something could not be checked.`,
  )
  .addCommand(createDoctorCommand())
  .addCommand(createNodesCommand())
  .addCommand(createTailCommand())
  .addCommand(createMeasureCommand())
  .addCommand(createGetCommand())
  .addCommand(createValidateCommand())
  .addCommand(createConsoleCommand())
  .addCommand(createAppsCommand())
  .addCommand(createInvalidateCommand())
  .addCommand(createFlushCommand())
  .addCommand(createSweepCommand())
  .addCommand(createRedriveCommand())
  .addCommand(createRelayCommand())
  .addCommand(createNormalizeCommand());

bearClosedPipes(({ code = "unknown" }) => {
  complain(plainTerminal, `Could not write the output: ${code}`, code);
  process.exit(EXIT.failed);
});
complainAlike(program);
// It ends the process when it rejects, as every command is to catch what can be expected.
void program.parseAsync();

/** Wrong options and arguments are told as all other errors, with `--json` as well; the exit code is Commander's, 1. */
function complainAlike(command: Command): void {
  command.configureOutput({
    outputError(text) {
      const message = text
        .trim()
        .replace(/^error: /, "")
        .replace(/\n+/g, " ");
      const hint = message.endsWith(".") ? "" : `: see soketi-app-sync ${namesOf(command)}--help`;
      complain(plainTerminal, `${message}${hint}`, "E_USAGE");
    },
  });
  for (const one of command.commands) complainAlike(one);
}

function namesOf(command: Command): string {
  return command.parent ? `${namesOf(command.parent)}${command.name()} ` : "";
}
