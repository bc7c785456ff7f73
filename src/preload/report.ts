import type { AgentReporter } from "../agent/agent.ts";
import type { ProblemListener } from "../adapters/soketi.ts";
import type { SoketiLog } from "../adapters/soketi-package.ts";

/** While one kind of failure goes on, it is said again this often. Milliseconds. */
const REPEAT_MS = 30_000;

/** The agent's reporter on soketi's log: a line when something turns, none for each message unless `debug`. */
export function createReporter(log: SoketiLog, debug: boolean) {
  const lastSaid = new Map<string, number>();

  function warnOnce(kind: string, text: string): void {
    const now = Date.now();
    if (now - (lastSaid.get(kind) ?? 0) < REPEAT_MS) return;
    lastSaid.set(kind, now);
    log.warning(`app-sync: ${text}`);
  }

  const itemProblems: ProblemListener = (appId, problems) => {
    for (const { attribute, code, message, severity } of problems) {
      const text = `app ${appId}: ${severity} ${code} in ${attribute}: ${message}`;
      // Items are read again and again: one line for each thing that is wrong, not for each read.
      if (debug || severity === "error") warnOnce(`${appId} ${attribute} ${code}`, text);
    }
  };

  const reporter: Omit<AgentReporter, "heartbeatFailed"> = {
    dropped(appId, type, lagMs) {
      if (debug)
        log.success(`app-sync: dropped ${appId} (${type}), ${lagMs} ms after the pipeline was invoked`);
    },
    flushed(reason) {
      if (debug || reason !== "first-sync") log.warning(`app-sync: flushed all apps: ${reason}`);
    },
    leaseChanged(held) {
      if (held) {
        lastSaid.clear();
        log.success("app-sync: lease held, cached apps are proven fresh");
      } else
        log.warning(
          "app-sync: lease lost, cached apps are read again when they are older than the degraded TTL",
        );
    },
    loadFailed(what, error) {
      warnOnce(
        `load ${nameOf(error)}`,
        `${what} could not be read from the table: ${nameOf(error)}: ${textOf(error)}`,
      );
    },
  };

  return {
    ...reporter,
    itemProblems,
    redisFailed(error: unknown) {
      warnOnce(`redis ${textOf(error)}`, textOf(error));
    },
  };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
