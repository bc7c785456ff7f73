import type { App } from "../../src/app/app.ts";
import { normalize } from "../../src/app/normalize.ts";

/** What the table held of one app from one write to the next. */
export interface Version {
  readonly appId: string;
  /** 0 before the first write. It is the item's MaxConnections as well, by which an answer is recognized. */
  readonly number: number;
  /** Undefined: there is no item. */
  readonly item: Item | undefined;
  readonly writtenAt: number;
  /** When Redis first took a message that tells of this write. */
  publishedAt?: number;
  /** Node -> when such a message first came to it over its subscription. */
  readonly arrivedAt: Map<string, number>;
}

export type Item = Record<string, Record<string, unknown>>;

/** What an app is for this: attributes that the stories change. */
export interface Attributes {
  readonly key: string;
  readonly secret: string;
  readonly enabled: boolean;
}

/** The apps table with its whole history: the oracle asks what was true when. */
export class SimulatedTable {
  readonly #history = new Map<string, Version[]>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns the version before and the new one. */
  write(appId: string, attributes: Attributes | undefined): { before: Version; after: Version } {
    const before = this.current(appId);
    const number = before.number + 1;
    const after: Version = {
      appId,
      number,
      item: attributes && itemOf(appId, number, attributes),
      writtenAt: this.#now(),
      arrivedAt: new Map(),
    };
    this.history(appId).push(after);
    return { before, after };
  }

  history(appId: string): Version[] {
    let versions = this.#history.get(appId);
    if (!versions) {
      versions = [{ appId, number: 0, item: undefined, writtenAt: 0, arrivedAt: new Map() }];
      this.#history.set(appId, versions);
    }
    return versions;
  }

  /** As of now, or of an earlier time. */
  current(appId: string, at = this.#now()): Version {
    const version = this.history(appId)
      .filter(({ writtenAt }) => writtenAt <= at)
      .at(-1);
    if (!version) throw new Error(`expected app ${appId} to have a history, found none at ${at}`);
    return version;
  }

  /** Who has this key, as of some time. */
  holderOf(key: string, at = this.#now()): string | undefined {
    for (const appId of this.#history.keys()) if (keyOf(this.current(appId, at)) === key) return appId;
    return undefined;
  }

  ids(): string[] {
    return [...this.#history.keys()];
  }
}

function itemOf(appId: string, number: number, { key, secret, enabled }: Attributes): Item {
  return {
    AppId: { S: appId },
    AppKey: { S: key },
    AppSecret: { S: secret },
    MaxConnections: { N: String(number) },
    // In B, as soketi documents it, every other time.
    Enabled: number % 2 === 0 ? { B: Buffer.from(enabled ? "true" : "false") } : { BOOL: enabled },
  };
}

export function appOf(item: Item | undefined): App | undefined {
  return item && normalize(item).app;
}

export function keyOf({ item }: Version): string | undefined {
  return item?.AppKey?.S as string | undefined;
}
