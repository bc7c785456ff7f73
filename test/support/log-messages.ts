import type { Cluster, Redis } from "ioredis";
import { type Change, type Decoded, decodeMessage } from "../../src/protocol/message.ts";

/** All messages of a log, in order. */
export async function messagesIn(redis: Redis | Cluster, log: string): Promise<Decoded[]> {
  const entries = await redis.xrange(log, "-", "+");
  return entries.map(([, fields]) => decodeMessage(fields[1] ?? ""));
}

/** The changes of some messages, in order. */
export function changesIn(messages: readonly Decoded[]): Change[] {
  return messages.flatMap((decoded) => (decoded.kind === "changes" ? decoded.message.changes : []));
}

/** Ids of the apps that some messages name, in order. */
export function appIdsIn(messages: readonly Decoded[]): string[] {
  return changesIn(messages).map(({ appId }) => appId);
}
