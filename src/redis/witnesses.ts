import { clusterWitnesses } from "./cluster-witnesses.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { RedisConnection } from "./library.ts";
import { withReplicas } from "./replicas.ts";
import { isNamed, SentinelVoters } from "./sentinel-witnesses.ts";
import { NO_WITNESSES, type Witnesses } from "./vouched.ts";

export interface WitnessesOptions extends ConnectionOptions {
  /** The connection that is written on. */
  readonly connection: RedisConnection;
  /** A key of the log's slot. */
  readonly key: string;
  /** `APP_SYNC_MIN_REPLICAS`; 0 for none, and on a cluster. */
  readonly minReplicas: number;
  /** How long they may take to answer. Milliseconds. */
  readonly limitMs: number;
}

export interface OpenedWitnesses extends Witnesses {
  close(): void;
}

/** A replica answers within milliseconds, or is not there: the rest of the limit is for the write itself. */
const SHARE_FOR_REPLICAS = 0.5;

/** Whoever there is to ask, by the form of Redis. Opens nothing before it asks. */
export function openWitnesses(options: WitnessesOptions): OpenedWitnesses {
  const { connection, settings, key, minReplicas, limitMs } = options;
  if ("nodes" in connection) {
    if (settings.kind !== "cluster") return { ...NO_WITNESSES, close: () => undefined };
    return { ...clusterWitnesses({ cluster: connection, settings, key, limitMs }), close: () => undefined };
  }
  const voters = settings.kind === "sentinel" ? new SentinelVoters(options, settings) : undefined;
  const witnesses: Witnesses = voters
    ? {
        ...NO_WITNESSES,
        ask: () => voters.ask(limitMs),
        names: (verdict, run) => isNamed(verdict, connection, run),
        socket: () => connection.stream,
      }
    : NO_WITNESSES;
  // A socket that says nothing for longer is given up.
  const { silenceMs = limitMs } = options.timeouts;
  const waitMs = Math.max(1, Math.floor(Math.min(limitMs, silenceMs) * SHARE_FOR_REPLICAS));
  const all =
    minReplicas > 0 ? withReplicas(witnesses, { connection, minReplicas, limitMs: waitMs }) : witnesses;
  return { ...all, close: () => voters?.close() };
}
