import { Command, Option } from "commander";
import { InterruptedError } from "./errors.ts";
import { codeOf, explain } from "./explain.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { interruptionCode, listenForInterruption } from "./interruption.ts";
import { openTerminal, type Terminal } from "./terminal.ts";
import { type CommonOptions, openTools, type Tools } from "./tools.ts";

/** What a command works with, and where its result goes. */
export interface Run {
  readonly tools: Tools;
  readonly terminal: Terminal;
}

/** A command with the options that all have. `examples` are shown by `--help`, after the program's name. */
export function createCommand(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .addOption(new Option("--json", "JSON on standard output, for scripts"))
    .addOption(new Option("--table <name>", "the apps table (APP_MANAGER_DYNAMODB_TABLE)"))
    .addOption(new Option("--region <name>", "the table's region (AWS_REGION)"))
    .addOption(new Option("--endpoint <url>", "a local DynamoDB (APP_MANAGER_DYNAMODB_ENDPOINT)"))
    .addOption(new Option("--prefix <text>", "prefix of the names in Redis (APP_SYNC_PREFIX)"))
    .addHelpText(
      "after",
      `\nExample${examples.length > 1 ? "s" : ""}:\n${examples.map((line) => `  soketi-app-sync ${line}`).join("\n")}`,
    );
}

/** An error, on standard error: as JSON with its code with `--json`. */
export function complain(
  terminal: Pick<Terminal, "json" | "note">,
  error: string,
  code: string | undefined,
): void {
  terminal.note(terminal.json ? JSON.stringify({ error, code }) : `soketi-app-sync: ${error}`);
}

/**
 * Runs a command's work and ends with its exit code; 0 when it gives none. An error is told on standard error, as JSON with
 * its code with `--json`, and ends with 1.
 */
export async function runCommand(
  options: CommonOptions,
  work: (run: Run) => Promise<ExitCode | undefined>,
): Promise<void> {
  const terminal = openTerminal(options.json ?? false);
  sayWhenInterrupted(terminal, "interrupted");
  let tools: Tools | undefined;
  try {
    tools = openTools(options);
    process.exitCode = (await work({ tools, terminal })) ?? EXIT.ok;
  } catch (error) {
    complain(terminal, explain(error, tools?.config, tools?.redisTrouble()), codeOf(error));
    process.exitCode = error instanceof InterruptedError ? interruptionCode() : EXIT.failed;
  } finally {
    tools?.close();
    endSoon();
  }
}

/**
 * From now on Ctrl-C ends the command at once with these words, unless some work has to end in order (`interruption`).
 *
 * @param value what `--json` has not shown yet, and is to show then.
 */
export function sayWhenInterrupted(terminal: Terminal, words: string, value?: object): void {
  listenForInterruption((exitCode) => {
    if (value) terminal.value(value);
    complain(terminal, words, "E_INTERRUPTED");
    process.exit(exitCode);
  });
}

/** Between two looks at what is not written yet. Milliseconds. */
const END_INTERVAL_MS = 50;

/**
 * A process that is done ends by itself. What was given up may keep it: a name that is looked up, or a sentinel that was asked
 * and does not answer, of which ioredis does not let go before its time is up.
 */
function endSoon(): void {
  const isWritten = () => process.stdout.writableLength === 0 && process.stderr.writableLength === 0;
  setInterval(() => {
    if (isWritten()) process.exit();
  }, END_INTERVAL_MS).unref();
}
