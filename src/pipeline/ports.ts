import type { Problem } from "../app/normalize.ts";

/** Where messages go. Appends them all, in order, or none; resolves only when Redis has taken them. */
export interface MessageLog {
  append(messages: readonly string[]): Promise<void>;
}

/** What happened to one batch, in numbers. */
export interface BatchOutcome {
  readonly records: number;
  readonly published: number;
  /** Changes that were united with a later one of the same app. */
  readonly coalesced: number;
  /** Records in which nothing that soketi reads has changed. */
  readonly unchanged: number;
  readonly unreadable: number;
  readonly messages: number;
  /** From the oldest table write in the batch to the acknowledged publish, in milliseconds; when known. */
  readonly ageMs?: number;
}

/** Who is told what happened: logs and metrics. Nothing it gets holds a secret. */
export interface PipelineReporter {
  /** The item as it is now has problems; the app works as the normalizer says. */
  itemProblems(appId: string, problems: readonly Problem[]): void;
  unreadableRecord(sequenceNumber: string, reason: string): void;
  published(outcome: BatchOutcome): void;
  /** The batch goes back to the stream from this record on. */
  publishFailed(error: unknown, sequenceNumber: string, changes: number): void;
}
