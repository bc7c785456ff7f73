import { READS_REPLICA } from "../fleet/reads-replica.ts";

/** Thrown when the log is read from a replica, also over a new connection: what it says may be old. */
export class ReplicaError extends Error {
  override readonly name = "ReplicaError";
  readonly code = "E_REPLICA";

  constructor() {
    super(READS_REPLICA);
  }
}
