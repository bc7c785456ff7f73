import type { RelayState } from "./state.ts";

/** Beyond that a change takes too long, and somebody should look. As the pipeline's alarm StreamBehind. Milliseconds. */
export const BEHIND_LIMIT_MS = 60_000;

export interface Health {
  /**
   * - `active`: reads the stream, and is not behind.
   * - `standby`: another relay is active, and this one could take over: it has seen Redis and the stream.
   * - `behind`: active, and something is older than it should be.
   * - `unready`: neither reads nor could take over.
   */
  readonly status: "active" | "standby" | "behind" | "unready";
  /** Why it is not well; absent when it is. */
  readonly reason?: string | undefined;
  readonly table: string;
  /** The stream's ARN. */
  readonly stream?: string | undefined;
  readonly shards: number;
  readonly behindSeconds?: number | undefined;
  /** The active one's, to be compared with what is in Redis. */
  readonly term?: string | undefined;
}

/** @param leaseMs how long Redis may be silent before nothing is known of the lease. */
export function healthOf(state: RelayState, table: string, leaseMs: number): Health {
  const { role, stream, shards, behindMs, trouble, token: term } = state;
  const about = {
    table,
    stream,
    shards,
    behindSeconds: behindMs === undefined ? undefined : Math.round(behindMs / 100) / 10,
    term,
  };
  const unknownLease = state.leaseAskedMs > leaseMs;
  if (role === "active") {
    const late =
      (behindMs ?? 0) > BEHIND_LIMIT_MS ? "the relay reads the stream, but is far behind" : undefined;
    const reason = trouble ?? (unknownLease ? "Redis has not confirmed the lease in time" : late);
    return reason === undefined ? { status: "active", ...about } : { status: "behind", reason, ...about };
  }
  const reason =
    trouble ??
    (role === "starting" ? "it is starting" : unknownLease ? "Redis has not answered in time" : undefined);
  return reason === undefined ? { status: "standby", ...about } : { status: "unready", reason, ...about };
}

export function isWell({ status }: Health): boolean {
  return status === "active" || status === "standby";
}
