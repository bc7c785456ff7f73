import { attachTo } from "./attach.ts";
import { MissingHooksError } from "./errors.ts";
import { isKnownSoketi, KNOWN_SOKETI } from "./known-versions.ts";
import { notAttached } from "./not-attached.ts";
import type { Soketi } from "./package.ts";
import type { SoketiAppManager, SoketiServer } from "./server.ts";

/**
 * Waits for the moment in which soketi sets its app manager, on one server or on the prototype of all, and attaches then.
 * A failure leaves soketi running as it would have run without us, and says so, unless the agent is required.
 */
export function tryToAttach(target: SoketiServer, soketi: Soketi): void {
  const log = (line: string) => soketi.Log.error(line);
  warnOfUnknown(soketi);
  const { setAppManager: original } = target as { setAppManager?: (manager: SoketiAppManager) => unknown };
  if (typeof original !== "function") {
    notAttached(new MissingHooksError(["server.setAppManager"]), log);
    return;
  }
  target.setAppManager = function setAppManager(this: SoketiServer, manager) {
    const result: unknown = original.call(this, manager);
    try {
      attachTo(this, manager, soketi);
    } catch (error) {
      notAttached(error, log);
    }
    return result;
  };
}

function warnOfUnknown({ isFork, name, version, Log }: Soketi): void {
  if (isFork) {
    Log.warning(
      `app-sync: ${name} ${version} is a fork of soketi, which this agent was not tested with; trying its hooks.`,
    );
  } else if (!isKnownSoketi(version)) {
    Log.warning(
      `app-sync: soketi ${version} is unknown to this agent (known: ${KNOWN_SOKETI}); trying its hooks.`,
    );
  }
}
