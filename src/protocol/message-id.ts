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

export function formatMessageId(id: MessageId): string {
  return `${id.epoch}-${id.seq}`;
}
