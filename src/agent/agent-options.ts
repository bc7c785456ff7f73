import type { MessageId } from "../protocol/message-id.ts";
import type { Invalidation } from "../protocol/message.ts";
import type { CacheLimits } from "./cache-options.ts";
import type { FlushReason } from "./flush-reasons.ts";
import type { OpenConnectionsSettings } from "./open-connections.ts";
import type { AppSource, Bus, ConnectionLimits, Connections, MonotonicClock } from "./ports.ts";

/** Of a change, in milliseconds between the clocks of two hosts. */
interface Lag {
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

/** All times in milliseconds. */
export interface AgentSettings extends OpenConnectionsSettings {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly limits: CacheLimits;
  /** An app in use is read again within this time after its drop, at random: nodes must not all read at once. */
  readonly reloadJitterMs: number;
  /** One cached app is verified this often. 0: none. */
  readonly verifyEveryMs: number;
}

export interface AgentOptions<A> extends AgentSettings {
  readonly bus: Bus;
  readonly source: AppSource<A>;
  readonly connections: Connections<A>;
  /** When apps' limits of connections are enforced on those that are open. */
  readonly connectionLimits?: ConnectionLimits<A> | undefined;
  readonly isSame: (left: A, right: A) => boolean;
  /** An app was deleted, as far as this node knows. Must not throw. */
  readonly onGone?: ((appId: string) => void) | undefined;
  readonly report: AgentReporter;
  readonly clock: MonotonicClock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
