import type { EncodedMessage } from "../../protocol/encode.ts";
import { type Run, sayWhenInterrupted } from "./command.ts";
import { beginWait, confirmByNodes, type WaitOptions } from "./confirm.ts";
import type { ExitCode } from "./exit-codes.ts";

/** Publishes messages as the pipeline does, and waits until every node has acted on them. */
export async function publishAndConfirm(
  run: Run,
  messages: readonly EncodedMessage[],
  done: string,
  options: WaitOptions,
): Promise<ExitCode> {
  const { names } = run.tools.pipelineConfig;
  const nodes = await beginWait(run, options);
  const started = performance.now();
  const id = await (await run.tools.log()).append(messages);
  sayWhenInterrupted(run.terminal, "interrupted: it is published, and not every node has confirmed it");
  run.terminal.print(`${done} on ${names.log}`);
  return confirmByNodes(run, id, { started, nodes }, options, { id });
}
