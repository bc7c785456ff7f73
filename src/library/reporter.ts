import type { AgentReporter } from "../agent/agent-options.ts";
import { StaleAppError } from "./errors.ts";
import type { FollowEvents, Teller } from "./events.ts";

/**
 * What an agent reports, as the events that the follower's owner listens to.
 *
 * @param reached called whenever the log is proven to be reached.
 */
export function reporterOf(
  { onChange, onFlush, onLease }: FollowEvents,
  teller: Teller,
  reached: () => void,
): Omit<AgentReporter, "heartbeatFailed"> {
  return {
    dropped: (change) => teller.tell(onChange, change),
    flushed: (reason) => teller.tell(onFlush, reason),
    leaseChanged(held) {
      if (held) reached();
      teller.tell(onLease, held);
    },
    loadFailed: (_what, error) => teller.failed(error),
    connectionsRefreshed: () => undefined,
    staleFound: (appId) => teller.failed(new StaleAppError(appId)),
  };
}
