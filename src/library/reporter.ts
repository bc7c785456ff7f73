import type { AgentReporter } from "../agent/agent-options.ts";
import type { MessageId } from "../protocol/message-id.ts";
import type { Change, Invalidation } from "../protocol/message.ts";
import { StaleAppError } from "./errors.ts";
import type { FollowEvents, Listeners } from "./events.ts";

/**
 * What an agent reports, as the events that the follower's owner listens to.
 *
 * @param readWhole reads a change from the log.
 * @param reached called whenever the log is proven to be reached.
 */
export function reporterOf(
  { onChange, onFlush, onLease }: FollowEvents,
  listeners: Listeners,
  readWhole: (id: MessageId, change: Invalidation) => Promise<Change | undefined>,
  reached: () => void,
): Omit<AgentReporter, "heartbeatFailed"> {
  return {
    dropped: (change, _lag, id) => listeners.notify(onChange, change, () => readWhole(id, change)),
    flushed: (reason) => listeners.notify(onFlush, reason),
    leaseChanged(held) {
      if (held) reached();
      listeners.notify(onLease, held);
    },
    loadFailed: (_what, error) => listeners.failed(error),
    connectionsRefreshed: () => undefined,
    staleFound: (appId) => listeners.failed(new StaleAppError(appId)),
  };
}
