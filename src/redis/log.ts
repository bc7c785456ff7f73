import type { MessageLog } from "../pipeline/ports.ts";
import type { BusNames } from "../protocol/names.ts";
import type { RedisConnection } from "./library.ts";
import { APPEND, runScript } from "./scripts.ts";

export interface RedisLog extends MessageLog {
  /** Resolves with the id of the last one. */
  append(messages: readonly string[]): Promise<string>;
}

/** The pipeline's end of the log: one round trip for each call, however many messages it has. */
export function createRedisLog(connection: RedisConnection, names: BusNames, logLength: number): RedisLog {
  return {
    async append(messages) {
      const id = await runScript(
        connection,
        APPEND,
        [names.log],
        [names.live, logLength, ...messages],
        "take the messages",
      );
      return String(id);
    },
  };
}
