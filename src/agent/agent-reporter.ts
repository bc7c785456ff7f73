import type { MessageId } from "../protocol/message-id.ts";
import type { Invalidation } from "../protocol/message.ts";
import type { FlushReason } from "./flush-reasons.ts";

/** Of a change, in milliseconds between the clocks of two hosts. */
export interface Lag {
  readonly sinceInvoked: number;
  readonly sinceWritten?: number | undefined;
}

/** What the agent tells about itself. Nothing in it holds a secret; nothing here may throw. */
export interface AgentReporter {
  /** One app was forgotten, by the message with this id. */
  dropped(change: Invalidation, lag: Lag, id: MessageId): void;
  flushed(reason: FlushReason): void;
  leaseChanged(held: boolean): void;
  heartbeatFailed(error: unknown): void;
  /** The table could not be read. `what` names the app id or key. */
  loadFailed(what: string, error: unknown): void;
  connectionsRefreshed(appId: string, replaced: number, closed: number): void;
  staleFound(appId: string): void;
}
