import { Command } from "commander";
import { nextTurn } from "../async/next-turn.ts";
import { complain } from "./support/command.ts";
import { EXIT, EXIT_CODES_IN_WORDS } from "./support/exit-codes.ts";
import { bearLostOutput, outputFailed } from "./support/lost-output.ts";

// The AWS SDK's advice on Node versions is nothing that whoever runs a command can act on.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

/** In the order of `--help`. What a command needs is loaded with it: for most, that is less than half of what all need. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  doctor: async () => (await import("./doctor/doctor.ts")).createDoctorCommand(),
  nodes: async () => (await import("./nodes.ts")).createNodesCommand(),
  tail: async () => (await import("./tail/tail.ts")).createTailCommand(),
  measure: async () => (await import("./measure/measure.ts")).createMeasureCommand(),
  get: async () => (await import("./get/get.ts")).createGetCommand(),
  validate: async () => (await import("./validate/validate.ts")).createValidateCommand(),
  console: async () => (await import("./console.ts")).createConsoleCommand(),
  apps: async () => (await import("./apps/apps.ts")).createAppsCommand(),
  invalidate: async () => (await import("./invalidate.ts")).createInvalidateCommand(),
  flush: async () => (await import("./flush.ts")).createFlushCommand(),
  sweep: async () => (await import("./sweep.ts")).createSweepCommand(),
  redrive: async () => (await import("./redrive.ts")).createRedriveCommand(),
  relay: async () => (await import("./relay.ts")).createRelayCommand(),
  normalize: async () => (await import("./normalize.ts")).createNormalizeCommand(),
};

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
The pipeline's variables say where the table and Redis are: REDIS_URL, APP_MANAGER_DYNAMODB_TABLE, AWS_REGION and others
(docs/reference/settings.md).
${EXIT_CODES_IN_WORDS}`,
  );

bearLostOutput();
// It ends the process when it rejects, as every command is to catch what can be expected.
void run(process.argv[2] ?? "");

/** @param name the command's; all are loaded where it is none of them, for help and for the advice on a misspelt one. */
async function run(name: string): Promise<void> {
  const named = Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]] : Object.values(COMMANDS);
  for (const load of named) if (load) program.addCommand(await load());
  complainAlike(program);
  program.hook("preAction", (_, command) => refuseEmpty(command));
  await program.parseAsync();
  // The error of what was written last comes after it.
  await nextTurn();
  const failed = outputFailed();
  if (failed.aborted && process.exitCode !== EXIT.failed) {
    const { code = "unknown" } = failed.reason as NodeJS.ErrnoException;
    complain(plainTerminal, `Could not write the output: ${code}`, code);
    process.exitCode = EXIT.failed;
  }
}

/** What a variable of a script leaves empty must not stand for a default: `--table "$TABLE"` would be another table. */
function refuseEmpty(command: Command): void {
  const isEmpty = (value: unknown) => value === "" || (Array.isArray(value) && value.includes(""));
  const refuse = (what: string) => command.error(`error: ${what} is empty. Expected a value.`);
  for (const option of command.options) {
    if (isEmpty(command.getOptionValue(option.attributeName()))) refuse(`option '${option.flags}'`);
  }
  command.registeredArguments.forEach((argument, i) => {
    if (isEmpty(command.processedArgs[i])) refuse(`'${argument.name()}'`);
  });
}

/** Wrong options and arguments are told as all other errors, with `--json` as well; the exit code is Commander's, 1. */
function complainAlike(command: Command): void {
  command.configureOutput({
    outputError(text) {
      const message = text
        .trim()
        .replace(/^error: /, "")
        // Redis is named by variables alone: whoever looks for an option may have given its address, with a password.
        .replace(/^(unknown option '--?[\w-]+)=.*'/s, "$1=…'")
        .replace(/'[^']*:\/\/.*'/s, "'…' (a URL, not shown: it may hold a password)")
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
