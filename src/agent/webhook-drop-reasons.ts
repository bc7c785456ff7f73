/**
 * Why a webhook was not sent, or counts as not received.
 *
 * - `app-gone`: its app was deleted, and nobody knows any more where its webhooks went.
 * - `table-unreadable`: the table could not be read for too long.
 * - `queue-failed`: the queue did not take it for too long, or said that it never will, or there is none.
 * - `lambda-options`: its `lambda.client_options` would end the process in the AWS SDK.
 * - `unreadable-job`: what was in the queue is no webhook of soketi's.
 * - `no-answer`: its receiver did not answer in time, or too many requests to it had no answer yet.
 * - `shutdown`: the node stopped while it waited in memory.
 */
export const WEBHOOK_DROP_REASONS = [
  "app-gone",
  "table-unreadable",
  "queue-failed",
  "lambda-options",
  "unreadable-job",
  "no-answer",
  "shutdown",
] as const;

export type WebhookDropReason = (typeof WEBHOOK_DROP_REASONS)[number];
