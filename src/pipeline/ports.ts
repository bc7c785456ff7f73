import type { App } from "../app/app.ts";
import type { Problem } from "../app/normalize.ts";
import type { SoketiReading } from "../app/soketi-reading.ts";
import type { CanaryResult } from "../protocol/canary.ts";
import type { EncodedMessage } from "../protocol/encode.ts";
import type { CacheFormat } from "./cache-format.ts";

/** Where messages go. */
export interface MessageLog {
  /** Appends them all, in order, or none; resolves only when Redis has taken them. */
  append(messages: readonly EncodedMessage[]): Promise<unknown>;
  /** Gives half of the log up, for a Redis that it has filled. Resolves with whether there was anything to give up. Never rejects. */
  makeRoom(): Promise<boolean>;
}

/**
 * What is known of an app by whoever writes it to the shared cache. It stays beside the entry for a while, for each app, and
 * what knows less is refused from then on.
 */
export type Fence =
  /** A record of the stream: newer than those of lower numbers, and than all of streams with an earlier label. */
  | {
      readonly kind: "record";
      readonly region: string;
      readonly label: string;
      /** Without leading zeros. */
      readonly sequenceNumber: string;
    }
  /** The table was read after `fences` gave this token: as new as that is, while it is what is known there. */
  | { readonly kind: "read"; readonly token: string }
  /** A record without a number: it is not known what is newer. Never refused. */
  | { readonly kind: "none" };

/** An entry to be written, or to be removed. */
export interface CacheWrite {
  readonly name: string;
  readonly appId: string;
  readonly fence: Fence;
  /** Absent: the entry is removed, unless it is another app's: a key may have passed on to it. */
  readonly json?: string | undefined;
  /** It is removed even if it is another app's. Default false. */
  readonly whosever?: boolean | undefined;
}

/**
 * - `outdated`: refused, since more is known there.
 * - `foreign`: the key is of another type, and was left alone.
 * - `full`: Redis has no room for the entry, and there is none now. Removals need no room.
 */
export type CacheWriteResult = "done" | "outdated" | "foreign" | "full";

/**
 * - `evict`: entries of a changed app are removed; the next node that needs it reads the table as soketi does.
 * - `refresh`: they are replaced by the normalized app, so that no node reads the item itself.
 */
export type SharedCacheMode = "evict" | "refresh";

/** Stands for a text that is longer than any app of the table is as JSON. */
export const LONG_TEXT = Symbol("a long text");

/**
 * The app cache in Redis that servers share: an app is there under a name for its id and one for its key. Names are as the format
 * has them, without what stands before all of them.
 */
export interface AppCacheStore {
  readonly format: CacheFormat;
  /** For each name the entry's text; undefined where there is none, null where the key is of another type. */
  read(names: readonly string[]): Promise<(string | typeof LONG_TEXT | undefined | null)[]>;
  /** The same of one entry with a long text; null also where it is too long to be read at all. */
  readWhole(name: string): Promise<string | undefined | null>;
  /** For each what is known of that app there, to be passed on with what is read from the table afterwards. */
  fences(entries: readonly { readonly name: string; readonly appId: string }[]): Promise<string[]>;
  write(writes: readonly CacheWrite[]): Promise<CacheWriteResult[]>;
  /** Removes an entry while its text is the given one. Resolves with how many it has removed. */
  removeSame(entries: readonly { readonly name: string; readonly text: string }[]): Promise<number>;
  /** Gives entries their whole time to live again. */
  touch(names: readonly string[]): Promise<void>;
  /** Names of entries, in pages, of which some may be empty; some names may come twice. */
  names(): AsyncIterable<readonly string[]>;
}

/** The apps table, read consistently: what was written before a read is in it. */
export interface AppsReader {
  /** Those that are usable apps. */
  read(appIds: readonly string[]): Promise<ReadonlyMap<string, App>>;
  /** Those that there are, usable or not, also as soketi itself reads them. */
  readItems(appIds: readonly string[]): Promise<ReadonlyMap<string, ReadItem>>;
  /** The whole table, in pages. `app` is absent when the item is not usable. */
  pages(): AsyncIterable<readonly { readonly appId: string; readonly app?: App | undefined }[]>;
}

export interface ReadItem {
  readonly app?: App | undefined;
  /** Absent when soketi fails on the item. */
  readonly reading?: SoketiReading | undefined;
}

/** Records of one shard that the event source mapping gave up. */
export interface FailedRange {
  readonly streamArn: string;
  readonly shardId: string;
  /** Sequence number of the first record. */
  readonly from: string;
  /** Sequence number of the last record; it is in the range. */
  readonly to: string;
}

/** The stream of the apps table, for records that are read again. */
export interface StreamReader {
  /**
   * Pages of records as the SDK gives them, from the range's first to its last.
   *
   * @throws RangeGoneError when some of them are not in the stream any more.
   */
  read(range: FailedRange): AsyncIterable<readonly unknown[]>;
}

/** What happened to one batch, in numbers. */
export interface BatchOutcome {
  readonly records: number;
  readonly published: number;
  /** Changes that were united with a later one of the same app. */
  readonly coalesced: number;
  /** Records without a change that soketi reads. */
  readonly unchanged: number;
  readonly unreadable: number;
  readonly messages: number;
  /** From the oldest table write in the batch to the acknowledged publish, in milliseconds; when known. */
  readonly ageMs?: number | undefined;
}

/** Who is told what happened: logs and metrics. Nothing it gets holds a secret. */
export interface PipelineReporter {
  /** The item as it is now has problems; the app works as the normalizer says. */
  itemProblems(appId: string, problems: readonly Problem[]): void;
  unreadableRecord(sequenceNumber: string, reason: string): void;
  /**
   * These apps may differ from their entries in the shared cache until the next sweep.
   *
   * @param error why the table could not be read, or Redis not be written; absent where nothing reads the table.
   */
  notRefreshed(appIds: readonly string[], error?: unknown): void;
  /** With the sequence number of its first record. */
  batchStarted(sequenceNumber: string): void;
  published(outcome: BatchOutcome): void;
  /** The batch goes back to the stream from this record on. */
  publishFailed(error: unknown, sequenceNumber: string, changes: number): void;
}

/** The same for ranges that the event source mapping gave up. */
export interface RedriveReporter {
  rangeRedriven(range: FailedRange, records: number): void;
  /** All apps were flushed instead. Without a range, when the message did not name one. */
  rangeGone(range: FailedRange | undefined, reason: string): void;
  /** It stays in the queue. */
  redriveFailed(range: FailedRange | undefined, error: unknown): void;
}

/** What a sweep found, in numbers. */
export interface SweepOutcome {
  /** Items of the table that were compared; 0 in evict mode, which goes by the entries. */
  readonly apps: number;
  /** Entries of the cache that were compared with the table. */
  readonly entries: number;
  /** Apps whose entries were missing or different, and were corrected. */
  readonly repaired: number;
  /** Entries that were removed: of apps that are gone, under keys that are no longer theirs, or wrong. */
  readonly removed: number;
  /** Apps that changed all the time, and were left to the next sweep. */
  readonly unsettled: number;
  /** What is under names of entries and no server can serve, such as a key of another type: another program's. It was left alone. */
  readonly foreign: number;
}

export interface SweepReporter {
  swept(outcome: SweepOutcome): void;
  /** What is wrong stays so until the next time. */
  sweepFailed(error: unknown): void;
}

export interface CanaryReporter {
  /** @param hasSharedCache there may be no node with the agent then. */
  canaryMeasured(result: CanaryResult, hasSharedCache: boolean): void;
  /** Nothing was measured: the table or Redis is at fault. */
  canaryFailed(error: unknown): void;
}
