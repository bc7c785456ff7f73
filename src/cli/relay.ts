import { type Command, Option } from "commander";
import { AwsCredentialsError, NoStreamError, StreamGoneError, ViewTypeError } from "../aws/errors.ts";
import { readRelayConfig } from "../config/relay.ts";
import { port } from "./support/arguments.ts";
import { complain, createCommand } from "./support/command.ts";
import { codeOf } from "./support/explain.ts";
import { EXIT, type ExitCode } from "./support/exit-codes.ts";
import { interruption } from "./support/interruption.ts";
import { type CommonOptions, environmentOf } from "./support/tools.ts";

interface RelayCommandOptions extends CommonOptions {
  readonly host?: string;
  readonly port?: number;
}

/** `relay`: the pipeline as a process of one's own, for fleets whose Redis Lambda cannot reach. */
export function createRelayCommand(): Command {
  return createCommand(
    "relay",
    "Read the table's stream and publish its changes, in place of the Lambda function (docs/relay.md).",
    ["relay", "relay --host 0.0.0.0 --port 9602"],
  )
    .addOption(new Option("--host <address>", "address of /health and /metrics (APP_SYNC_RELAY_HOST)"))
    .addOption(
      new Option("--port <number>", "port; 0 picks a free one (APP_SYNC_RELAY_PORT)").argParser(port),
    )
    .action(async (options: RelayCommandOptions) => {
      process.exitCode = await run(options);
    });
}

async function run(options: RelayCommandOptions): Promise<ExitCode> {
  try {
    const { host, port } = options;
    const environment = environmentOf(options, process.env);
    const config = readRelayConfig({
      ...environment,
      APP_SYNC_RELAY_HOST: host ?? environment.APP_SYNC_RELAY_HOST,
      APP_SYNC_RELAY_PORT: port?.toString() ?? environment.APP_SYNC_RELAY_PORT,
    });
    const { startRelay } = await import("../relay/start-relay.ts");
    await startRelay(config, interruption());
    return EXIT.ok;
  } catch (error) {
    complain(
      { json: options.json ?? false, note: (line) => process.stderr.write(`${line}\n`) },
      error instanceof Error ? error.message : String(error),
      codeOf(error),
    );
    return exitCodeOf(error);
  }
}

/** Each with an end of its own: whoever supervises it must not try again what only the operator can change. */
function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof AwsCredentialsError) return EXIT.noCredentials;
  if (error instanceof NoStreamError || error instanceof StreamGoneError) return EXIT.noStream;
  return error instanceof ViewTypeError ? EXIT.wrongViewType : EXIT.failed;
}
