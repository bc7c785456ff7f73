/**
 * Where a message stands in the log.
 *
 * `epoch` is the Redis server's clock in milliseconds when the log was first created, `seq` counts 1, 2, 3, …
 * without holes. Together they are the Redis Stream id `<epoch>-<seq>`. Another epoch is another log: nothing can be
 * said about what happened between the two.
 */
export interface MessageId {
  readonly epoch: number;
  readonly seq: number;
}

const ID = /^(\d{1,16})-(\d{1,16})$/;

/** Reads `<epoch>-<seq>`; undefined for anything else, also for numbers past 2^53 - 1. */
export function parseMessageId(text: string): MessageId | undefined {
  const match = ID.exec(text);
  if (!match) return undefined;
  const epoch = Number(match[1]);
  const seq = Number(match[2]);
  return Number.isSafeInteger(epoch) && Number.isSafeInteger(seq) ? { epoch, seq } : undefined;
}

/**
 * The order of messages: negative when the first id comes before the second, positive when it comes after, 0 for the same.
 * A later epoch is a later log, whatever the numbers in it.
 */
export function compareMessageIds(a: MessageId, b: MessageId): number {
  return a.epoch - b.epoch || a.seq - b.seq;
}

export function formatMessageId(id: MessageId): string {
  return `${id.epoch}-${id.seq}`;
}
