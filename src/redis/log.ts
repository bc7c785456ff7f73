import type { MessageLog } from "../pipeline/ports.ts";
import type { BusNames } from "../protocol/names.ts";
import { type Fence, fenced } from "./fence.ts";
import type { RedisConnection } from "./library.ts";
import { APPEND, runScript } from "./scripts.ts";

export interface RedisLog extends MessageLog {
  /** Resolves with the id of the last one. Under a fence it is all or nothing together with the fence's moves. */
  append(messages: readonly string[], fence?: Fence): Promise<string>;
}

/** The pipeline's end of the log: one round trip for each call, however many messages it has. */
export function createRedisLog(connection: RedisConnection, names: BusNames, logLength: number): RedisLog {
  return {
    async append(messages, fence) {
      const keys = [names.log];
      const args = [names.live, logLength, ...messages];
      const call = fence ? fenced(APPEND, keys, args, fence) : ([APPEND, keys, args] as const);
      return String(await runScript(connection, ...call, "take the messages"));
    },
  };
}
