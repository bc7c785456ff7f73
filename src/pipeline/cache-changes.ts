import type { App } from "../app/app.ts";
import type { StreamChange } from "./decode.ts";
import type { Fence } from "./ports.ts";

/** What a batch of records says about one app, for its entries in the shared cache. */
export interface CacheChange {
  readonly appId: string;
  /** Every key that the app had in these records. */
  readonly keys: readonly string[];
  /** Whether these are all its keys: true when each record says how the app was before. */
  readonly knowsKeys: boolean;
  /** As it is now; null when it is gone or not usable; absent when the records do not tell. */
  readonly app?: App | null | undefined;
  /** Of the last of these records. */
  readonly fence: Fence;
}

export interface CacheChangesOptions {
  /** The records are read again out of their turn: they do not tell how an app is now. */
  readonly late?: boolean | undefined;
  /** The stream's ARN, where records do not say it themselves. */
  readonly streamArn?: string | undefined;
}

/** Gathers records into one change for each app: the last record decides, the keys of all are kept. */
export class CacheChanges {
  readonly #options: CacheChangesOptions;
  readonly #byApp = new Map<string, CacheChange>();

  constructor(options: CacheChangesOptions = {}) {
    this.#options = options;
  }

  add({ appId, before, after, tellsBefore, tellsAfter, streamArn, sequenceNumber }: StreamChange): void {
    const earlier = this.#byApp.get(appId);
    const keys = new Set(earlier?.keys);
    const knowsKeys = tellsBefore && (earlier?.knowsKeys ?? true);
    for (const key of [before?.key, after?.key]) if (key !== undefined) keys.add(key);
    const app = tellsAfter && !this.#options.late ? (after?.app ?? null) : undefined;
    const fence = fenceOf(streamArn ?? this.#options.streamArn, sequenceNumber);
    this.#byApp.set(appId, { appId, keys: [...keys], knowsKeys, app, fence });
  }

  all(): CacheChange[] {
    return [...this.#byApp.values()];
  }
}

const STREAM_ARN = /^arn:[^:\s]*:dynamodb:([^:\s]+):[^\s]*\/stream\/(\S+)$/;

/** A table has one stream at a time: a later label is a later one. */
function fenceOf(streamArn: string | undefined, sequenceNumber: string): Fence {
  const number = /^0*(\d{1,40})$/.exec(sequenceNumber)?.[1];
  if (number === undefined) return { kind: "none" };
  const [, region, label] = STREAM_ARN.exec(streamArn ?? "") ?? [];
  return { kind: "record", region: region ?? "-", label: label ?? "-", sequenceNumber: number };
}
