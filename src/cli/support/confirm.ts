import { Option, type Command } from "commander";
import { waitForNodes } from "../../fleet/wait-for-nodes.ts";
import { type MessageId, parseMessageId } from "../../protocol/message-id.ts";
import { amount } from "./amount.ts";
import { duration } from "./arguments.ts";
import type { Run } from "./command.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

export interface WaitOptions {
  /** False with `--no-wait`. */
  readonly wait: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

export function addWaitOptions(command: Command): Command {
  return command
    .addOption(new Option("--no-wait", "do not wait until every node has confirmed"))
    .addOption(
      new Option("--timeout <time>", "how long to wait for that").argParser(duration).default(30_000, "30s"),
    );
}

/**
 * Waits until every soketi node of the registry has applied a message, and tells how long it took.
 *
 * @param started when the change was made, on `performance.now()`.
 * @param value what `--json` shows beside the nodes.
 */
export async function confirmByNodes(
  { tools, terminal }: Run,
  id: MessageId | string,
  started: number,
  options: WaitOptions,
  value: object,
): Promise<ExitCode> {
  if (!options.wait) {
    terminal.value(value);
    return EXIT.ok;
  }
  const wanted = typeof id === "string" ? parseMessageId(id) : id;
  const nodes = await waitForNodes(await tools.fleet(), wanted, { started, limitMs: options.timeout });
  terminal.value({ ...value, nodes });
  for (const { host, pid, confirmedAfterMs } of nodes) {
    if (confirmedAfterMs === null) terminal.say(terminal.colors.red(`  ${host} ${pid}: not confirmed`));
    else terminal.say(`  ${host} ${pid}: confirmed after ${confirmedAfterMs} ms`);
  }
  const missing = nodes.filter(({ confirmedAfterMs }) => confirmedAfterMs === null);
  if (missing.length > 0) {
    terminal.note(
      `${amount(missing.length, "node")} of ${nodes.length} did not confirm within ${options.timeout / 1_000} s: ` +
        "look at them with: soketi-app-sync nodes",
    );
    return EXIT.unconfirmed;
  }
  terminal.say(
    nodes.length === 0
      ? "no node is registered: nobody to wait for"
      : `in force on ${amount(nodes.length, "node")}`,
  );
  return EXIT.ok;
}
