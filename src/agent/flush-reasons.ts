/** Why everything was forgotten. */
export const FLUSH_REASONS = [
  "first-sync",
  "new-epoch",
  "sequence-backwards",
  "log-trimmed",
  "server-changed",
  "unreadable-message",
  "requested",
] as const;

export type FlushReason = (typeof FLUSH_REASONS)[number];
