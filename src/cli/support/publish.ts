import { createRedisLog } from "../../redis/log.ts";
import type { Run } from "./command.ts";
import { beginWait, confirmByNodes, type WaitOptions } from "./confirm.ts";
import type { ExitCode } from "./exit-codes.ts";

/** Publishes messages as the pipeline does, and waits until every node has acted on them. */
export async function publishAndConfirm(
  run: Run,
  messages: readonly string[],
  done: string,
  options: WaitOptions,
): Promise<ExitCode> {
  const { names, logLength } = run.tools.pipelineConfig;
  const nodes = await beginWait(run, options);
  const started = performance.now();
  const id = await createRedisLog(await run.tools.redis(), names, logLength).append(messages);
  run.terminal.say(`${done} on ${names.log}`);
  return confirmByNodes(run, id, { started, nodes }, options, { id });
}
