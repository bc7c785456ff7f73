import type { Invalidations } from "../protocol/live.ts";
import type { MessageId } from "../protocol/message-id.ts";
import type { FlushReason } from "./flush-reasons.ts";
import type { Lease } from "./lease.ts";
import type { Bus, MonotonicClock } from "./ports.ts";

/** Acts on what the log says. Must not throw. */
export interface FollowerTarget {
  apply(message: Invalidations, id: MessageId): void;
  flush(reason: FlushReason): void;
}

export interface LogFollowerOptions {
  readonly bus: Bus;
  readonly target: FollowerTarget;
  readonly clock: MonotonicClock;
  /** Renewed by each heartbeat that finds nothing missed. */
  readonly lease: Pick<Lease, "renew">;
  /** A hole was found: a heartbeat should come now rather than in its time. */
  readonly onGap: () => void;
}
