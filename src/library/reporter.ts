import type { AgentReporter } from "../agent/agent-options.ts";
import type { MessageId } from "../protocol/message-id.ts";
import type { Change } from "../protocol/message.ts";
import { StaleAppError } from "./errors.ts";
import type { FollowEvents, Teller } from "./events.ts";

/**
 * What an agent reports, as the events that the follower's owner listens to.
 *
 * @param readWhole reads a change from the log.
 * @param reached called whenever the log is proven to be reached.
 */
export function reporterOf(
  { onChange, onFlush, onLease }: FollowEvents,
  teller: Teller,
  readWhole: (id: MessageId, appId: string) => Promise<Change | undefined>,
  reached: () => void,
): Omit<AgentReporter, "heartbeatFailed"> {
  return {
    dropped: (change, _lag, id) => teller.tell(onChange, change, () => readWhole(id, change.appId)),
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
