import type { MessageLog } from "../pipeline/ports.ts";
import type { EncodedMessage } from "../protocol/encode.ts";
import type { BusNames } from "../protocol/names.ts";
import { RedisError } from "./errors.ts";
import { type Fence, fenced } from "./fence.ts";
import type { RedisConnection } from "./library.ts";
import { APPEND, runScript } from "./scripts.ts";

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

/** The pipeline's end of the log: one round trip for each call, however many messages it has. */
export function createRedisLog(
  connection: RedisConnection,
  names: BusNames,
  { logLength, logBytes }: LogLimits,
): RedisLog {
  async function append(messages: readonly EncodedMessage[], fence?: Fence): Promise<string> {
    const keys = [names.log, names.last];
    const args = [names.live, logLength, logBytes, ...messages.flatMap(({ whole, live }) => [whole, live])];
    const call = fence ? fenced(APPEND, keys, args, fence) : ([APPEND, keys, args] as const);
    return String(await runScript(connection, ...call, "take the messages"));
  }

  /** @returns whether there was anything to trim. Trimming is what a full Redis still does. */
  async function halve(): Promise<boolean> {
    const length = await connection.xlen(names.log);
    return (await connection.xtrim(names.log, "MAXLEN", "~", Math.ceil(length / 2))) > 0;
  }

  return {
    async append(messages, fence) {
      try {
        return await append(messages, fence);
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        // Nodes that were away for long flush; nobody misses a change. That Redis is full is the trouble to tell of.
        if (!(await halve().catch(() => false))) throw error;
        return await append(messages, fence);
      }
    },
  };
}

/** Redis 6 says it within a sentence about the script. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof RedisError && /(^|-)OOM /.test(error.reason);
}
