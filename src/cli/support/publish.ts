import type { EncodedMessage } from "../../protocol/encode.ts";
import { type AnnounceOptions, whoIs } from "./announce.ts";
import { type Run, sayWhenInterrupted } from "./command.ts";
import { beginWait, confirmByNodes, type WaitOptions } from "./confirm.ts";
import type { ExitCode } from "./exit-codes.ts";

/**
 * Publishes messages, and waits until every node has acted on them.
 *
 * @param encode makes them, with who has asked for it.
 */
export async function publishAndConfirm(
  run: Run,
  encode: (by: string) => readonly EncodedMessage[],
  done: string,
  options: WaitOptions & AnnounceOptions,
): Promise<ExitCode> {
  const { tools, terminal } = run;
  const { names } = tools.pipelineConfig;
  const [nodes, by] = await Promise.all([beginWait(run, options), whoIs(options, tools.config)]);
  const started = performance.now();
  const id = await (await tools.log()).append(encode(by));
  sayWhenInterrupted(terminal, "interrupted: it is published, and not every node has confirmed it");
  terminal.print(`${done} on ${names.log}`);
  if (tools.config.sharedCache) {
    terminal.note("the shared cache is left as it is: soketi-app-sync sweep compares it with the table");
  }
  return confirmByNodes(run, id, { started, nodes }, options, { id });
}
