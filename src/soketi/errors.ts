import type { WebhookDropReason } from "../agent/webhook-drop-reasons.ts";

/** Thrown when this soketi lacks something that the agent needs; soketi is left as it was. */
export class MissingHooksError extends Error {
  override readonly name = "MissingHooksError";
  readonly code = "E_MISSING_HOOKS";

  constructor(missing: readonly string[]) {
    super(`expected soketi to have ${missing.join(", ")}; this version lacks them, so nothing was attached`);
  }
}

/** Thrown when soketi is too old to attach to, before anything of it is loaded. */
export class OldSoketiError extends Error {
  override readonly name = "OldSoketiError";
  readonly code = "E_OLD_SOKETI";
}

/** Thrown when a script belongs to a fork of soketi in which nothing is where soketi has it. */
export class UnrecognizedForkError extends Error {
  override readonly name = "UnrecognizedForkError";
  readonly code = "E_UNRECOGNIZED_FORK";

  /** @param fork its package's name. */
  constructor(fork: string) {
    super(
      `expected soketi, found the package "${fork}" with other modules: expected dist/server.js, dist/app.js and ` +
        "dist/log.js in it. If they are elsewhere, set APP_SYNC_SOKETI_ROOT to the folder that has dist/ in it.",
    );
  }
}

/** Thrown when soketi has its apps elsewhere than in DynamoDB, while `APP_SYNC_REQUIRED` is on. */
export class OtherAppManagerError extends Error {
  override readonly name = "OtherAppManagerError";
  readonly code = "E_OTHER_APP_MANAGER";

  constructor(driver: string) {
    super(
      `expected soketi's app manager to be "dynamodb", found "${driver}": set SOKETI_APP_MANAGER_DRIVER=dynamodb`,
    );
  }
}

/** The reporter is told it when soketi has no queue for its webhooks, so that none is sent. */
export class NoWebhookQueueError extends Error {
  override readonly name = "NoWebhookQueueError";
  readonly code = "E_NO_WEBHOOK_QUEUE";

  constructor(mode: string, driver: string) {
    super(
      `expected a queue that worker nodes can read, found SOKETI_QUEUE_DRIVER=${driver} with SOKETI_MODE=${mode}: no ` +
        "webhook is sent. Set SOKETI_QUEUE_DRIVER to redis or sqs, or SOKETI_MODE to full.",
    );
  }
}

/** Thrown so that soketi does not announce a member that has left; it writes this to its log. */
export class LeftMemberError extends Error {
  override readonly name = "LeftMemberError";
  readonly code = "E_LEFT_MEMBER";

  constructor() {
    super("expected a member of a presence channel, found one that had left before it was announced");
    // One line for each: nobody has to look for where it comes from.
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** Thrown so that BullMQ takes a job back. */
export class WebhookLaterError extends Error {
  override readonly name = "WebhookLaterError";
  readonly code = "E_WEBHOOK_LATER";

  constructor(why: WebhookDropReason) {
    super(`Could not send a webhook yet: ${why}`);
  }
}

/** Thrown so that the consumer does not delete a message: SQS gives it again when its visibility time-out is over. */
export class UnacknowledgedError extends Error {
  override readonly name = "UnacknowledgedError";
  readonly code = "E_UNACKNOWLEDGED";

  constructor() {
    super("Could not send a webhook yet: its message stays in the queue");
  }
}
