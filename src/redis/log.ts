import type { MessageLog } from "../pipeline/ports.ts";
import type { EncodedMessage } from "../protocol/encode.ts";
import { parseMessageId } from "../protocol/message-id.ts";
import type { BusNames } from "../protocol/names.ts";
import { reconnect } from "./connection.ts";
import { OTHER_PROTOCOL, RedisError } from "./errors.ts";
import { type Fence, fenced } from "./fence.ts";
import type { RedisClient, RedisConnection } from "./library.ts";
import { APPEND } from "./append-script.ts";
import { runScript } from "./scripts.ts";
import { FEW_REPLICAS, NO_WITNESSES, OTHER_PRIMARY, vouchedAppend, type Witnesses } from "./vouched.ts";
import { halve, withRoom } from "./with-room.ts";

export interface RedisLog extends MessageLog {
  /** Resolves with the id of the last one. Under a fence it is all or nothing together with the fence's moves. */
  append(messages: readonly EncodedMessage[], fence?: Fence): Promise<string>;
}

/** How much the log keeps. */
export interface LogLimits {
  /** Messages, at least, unless their bytes are too many. */
  readonly logLength: number;
  /** Bytes of messages, at most. */
  readonly logBytes: number;
}

/** The socket is healthy, and leads to a server that is not the primary, or not known to be. */
const ABANDONED: ReadonlySet<string> = new Set([OTHER_PRIMARY, FEW_REPLICAS]);

/**
 * The pipeline's end of the log: one round trip for each call, however many messages it has, and one to the witnesses before
 * and after it.
 *
 * @param witnesses who can tell whether the server that takes messages is the primary. Default: nobody.
 */
export function createRedisLog(
  connection: RedisConnection,
  names: BusNames,
  { logLength, logBytes }: LogLimits,
  witnesses: Witnesses = NO_WITNESSES,
): RedisLog {
  const keys = [names.log, names.last];

  return {
    async append(messages, fence) {
      const args = [names.live, logLength, logBytes, ...messages.flatMap(({ whole, live }) => [whole, live])];
      const call = fence ? fenced(APPEND, keys, args, fence) : ([APPEND, keys, args] as const);
      const append = (owner: RedisClient | undefined) =>
        withRoom(connection, names.log, () => runScript(owner ?? connection, ...call, "append the messages"));
      try {
        const id = String(await vouchedAppend(append, witnesses));
        // What knows no scripts and says yes to everything has taken nothing.
        if (!parseMessageId(id)) throw new RedisError("append the messages", `it ${OTHER_PROTOCOL}`);
        return id;
      } catch (error) {
        if (error instanceof RedisError && ABANDONED.has(error.code)) reconnect(connection);
        throw error;
      }
    },

    makeRoom: () => halve(connection, names.log),
  };
}
