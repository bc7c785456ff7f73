import { isAgentRequired } from "../config/agent.ts";
import type { Environment } from "../config/env.ts";

/**
 * Says that soketi runs without the agent. With `APP_SYNC_REQUIRED` on it does not: the process ends, with one line that
 * says why. It ends at once, since an error that is thrown from here would come back through soketi's own handler, which
 * stops a server that is not up and fails at that.
 *
 * @param log how it is said when soketi goes on.
 */
export function notAttached(
  error: unknown,
  log: (line: string) => void,
  environment: Environment = process.env,
): void {
  const reason = error instanceof Error ? error.message : String(error);
  if (!isAgentRequired(environment)) {
    log(`app-sync: not attached, soketi runs without the agent: ${reason}`);
    return;
  }
  const line = reason.replace(/\s*\n\s*/g, " ");
  process.stderr.write(
    `app-sync: APP_SYNC_REQUIRED is on, so soketi does not start without the agent: ${line}\n`,
  );
  process.exit(1);
}
