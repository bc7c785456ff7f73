import { setTimeout as pause } from "node:timers/promises";
import { Option, type Command } from "commander";
import type { RegisteredNode } from "../../protocol/node.ts";
import { type MessageId, parseMessageId } from "../../protocol/message-id.ts";
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

/** Between two questions to the nodes. Milliseconds. */
const ASK_PAUSE_MS = 25;

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
  const fleet = await tools.fleet();
  const wanted = typeof id === "string" ? parseMessageId(id) : id;
  const confirmed = new Map<string, number>();
  let nodes: RegisteredNode[] = [];
  const waited = () => performance.now() - started;
  do {
    if (nodes.length > 0) await pause(ASK_PAUSE_MS);
    nodes = (await fleet.ask()).filter(({ entry }) => entry.soketi !== undefined);
    for (const node of nodes) {
      if (!confirmed.has(node.id) && hasApplied(node, wanted)) confirmed.set(node.id, Math.round(waited()));
    }
  } while (nodes.some((node) => !confirmed.has(node.id)) && waited() < options.timeout);

  const missing = nodes.filter((node) => !confirmed.has(node.id));
  const outcome = nodes.map(({ id: node, entry: { host, pid } }) => ({
    ...{ node, host, pid, confirmedAfterMs: confirmed.get(node) ?? null },
  }));
  terminal.value({ ...value, nodes: outcome });
  for (const { host, pid, confirmedAfterMs } of outcome) {
    if (confirmedAfterMs === null) terminal.say(terminal.colors.red(`  ${host} ${pid}: not confirmed`));
    else terminal.say(`  ${host} ${pid}: confirmed after ${confirmedAfterMs} ms`);
  }
  if (nodes.length === 0) terminal.say("no node is registered: nobody to wait for");
  else if (missing.length === 0) terminal.say(`in force on ${amount(nodes.length, "node")}`);
  else {
    terminal.note(
      `${amount(missing.length, "node")} of ${nodes.length} did not confirm within ${options.timeout / 1_000} s: ` +
        "look at them with: soketi-app-sync nodes",
    );
    return EXIT.unconfirmed;
  }
  return EXIT.ok;
}

/** A node of another, later log has flushed when it came to it. */
function hasApplied({ answer }: RegisteredNode, wanted: MessageId | undefined): boolean {
  const cursor = parseMessageId(answer?.cursor ?? "");
  if (!cursor || !wanted || answer?.state !== "following") return false;
  return cursor.epoch === wanted.epoch ? cursor.seq >= wanted.seq : cursor.epoch > wanted.epoch;
}

export function amount(count: number, of: string): string {
  return `${count} ${of}${count === 1 ? "" : "s"}`;
}
