import { relayNames } from "../../protocol/names.ts";
import { CURRENT_AT, STREAM } from "../../relay/checkpoints.ts";
import type { Tools } from "../support/tools.ts";

export interface ActiveRelay {
  /** Of its lease: number of the term, host, pid. */
  readonly token: string;
  /**
   * How long ago it had read the stream to its end, by its own clock, which may differ from Redis'. Milliseconds; undefined where
   * that is not known, or may not be looked at.
   */
  readonly behindMs?: number | undefined;
  /** The stream that it reads, when that is not the table's: relays of two tables have one prefix. */
  readonly otherStream?: string | undefined;
}

/**
 * Undefined when there is none, null when Redis cannot be asked, which its own check tells. Never rejects.
 *
 * @param streamArn the table's.
 */
export async function activeRelay(tools: Tools, streamArn: string): Promise<ActiveRelay | undefined | null> {
  if (!tools.config.redis) return null;
  try {
    const connection = await tools.redis();
    const { lease, positions } = relayNames(tools.config.names);
    const [token] = await connection.mget([lease]);
    if (typeof token !== "string") return undefined;
    const position = (field: string) => connection.hget(positions, field).catch(() => null);
    const [currentAt, stream] = [await position(CURRENT_AT), await position(STREAM)];
    const behindMs = currentAt === null ? undefined : (await (await tools.fleet()).now()) - Number(currentAt);
    return { token, behindMs, otherStream: stream === null || stream === streamArn ? undefined : stream };
  } catch {
    return null;
  }
}
