import { reconnect } from "./connection.ts";
import { RedisError } from "./errors.ts";
import type { RedisConnection } from "./library.ts";
import { infoField } from "./server-info.ts";

/** Between two checks of what the server is. Milliseconds. */
const CHECK_INTERVAL_MS = 1_000;

/** Leads those who only read to the primary, as far as that can be. */
export interface ReplicaGuard {
  /** Whether the last look has found a replica, also over a new connection: what is read there may be old. */
  readonly readsReplica: boolean;
  /**
   * To be awaited before a read. Rejects with RedisError when there is no answer in time, as the read itself would have to wait
   * for that once more; anything else that is wrong with the connection is the read's to tell.
   */
  look(): Promise<void>;
}

/**
 * A replica answers whoever reads as a primary does, and so does a primary that was demoted while an address moved on from it:
 * the socket is healthy, and no write is refused. So its role is asked for, once a second at most, and a connection to a replica
 * is made anew. A cluster sends each command to a primary by itself.
 */
export function leaveReplicas(
  connection: RedisConnection,
  clock: () => number = () => performance.now(),
): ReplicaGuard {
  let readsReplica = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  /** Undefined where it is not told. */
  async function isReplica(): Promise<boolean | undefined> {
    if ("nodes" in connection) return undefined;
    const role = infoField(await connection.info("replication"), "role");
    return role === undefined ? undefined : role !== "master";
  }

  async function lookNow(): Promise<void> {
    try {
      let found = await isReplica();
      if (found) {
        reconnect(connection);
        found = await isReplica();
      }
      if (found !== undefined) readsReplica = found;
    } catch (error) {
      const failure = new RedisError("report its role", error);
      if (failure.code === "TIMEOUT") throw failure;
      // It may not be asked, or the connection broke.
    } finally {
      lookedAt = clock();
      running = undefined;
    }
  }

  return {
    get readsReplica() {
      return readsReplica;
    },
    look: () => {
      if (clock() - lookedAt < CHECK_INTERVAL_MS) return Promise.resolve();
      return (running ??= lookNow());
    },
  };
}
