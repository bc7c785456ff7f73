import { ClusterWitnesses } from "./cluster-witnesses.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { RedisError } from "./errors.ts";
import type { RedisClient, RedisConnection } from "./library.ts";
import { withReplicas } from "./replicas.ts";
import { isNamed, SentinelWitnesses } from "./sentinel-witnesses.ts";
import { NO_WITNESSES, type Witnesses } from "./vouched.ts";

export interface WitnessesOptions extends ConnectionOptions {
  /** What a sentinel's connection meets, which is told as well when no majority agrees. */
  readonly onError: (error: RedisError) => void;
  /** A key of the log's slot. */
  readonly key: string;
  /** `APP_SYNC_MIN_REPLICAS`; 0 for none, and on a cluster. */
  readonly minReplicas: number;
  /** How long they may take to answer. Milliseconds. */
  readonly limitMs: number;
}

export interface WitnessPool {
  /** Who can tell of a connection whether it leads to the primary. */
  of(connection: RedisConnection): Witnesses;
  /** Servers that call themselves primary, and that the witnesses have for replicas. Rejects with RedisError. */
  otherPrimaries(): Promise<readonly string[]>;
  close(): void;
}

/** A replica answers within milliseconds, or is not there: the rest of the limit is for the write itself. */
const SHARE_FOR_REPLICAS = 0.5;

/** Whoever there is to ask, by the form of Redis. Opens nothing before it asks. */
export function openWitnesses(options: WitnessesOptions): WitnessPool {
  const { settings, timeouts, key, minReplicas, limitMs } = options;
  const voters = settings.kind === "sentinel" ? new SentinelWitnesses(options, settings) : undefined;
  // A socket that says nothing for longer is given up.
  const { silenceMs = limitMs } = timeouts;
  const waitMs = Math.max(1, Math.floor(Math.min(limitMs, silenceMs) * SHARE_FOR_REPLICAS));

  function ofServer(connection: RedisClient): Witnesses {
    const witnesses: Witnesses = voters
      ? {
          ...NO_WITNESSES,
          ask: () => voters.ask(limitMs),
          names: (verdict, run) => isNamed(verdict, connection, run),
          socket: () => connection.stream,
        }
      : NO_WITNESSES;
    return minReplicas > 0
      ? withReplicas(witnesses, { connection, minReplicas, limitMs: waitMs })
      : witnesses;
  }

  return {
    of(connection) {
      if (!("nodes" in connection)) return ofServer(connection);
      if (settings.kind !== "cluster") return NO_WITNESSES;
      return new ClusterWitnesses({ cluster: connection, natMap: settings.natMap, key, limitMs });
    },
    otherPrimaries: () => voters?.otherPrimaries() ?? Promise.resolve([]),
    close: () => voters?.close(),
  };
}
