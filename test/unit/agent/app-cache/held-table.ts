import { AppCache } from "../../../../src/agent/app-cache.ts";
import type { AppSource } from "../../../../src/agent/ports.ts";
import type { Change } from "../../../../src/protocol/message.ts";

export interface TestApp {
  readonly id: string;
  readonly key: string;
  readonly version: number;
}

/** A table whose reads are answered by hand, so that a test decides what overlaps what. */
export class HeldTable implements AppSource<TestApp> {
  readonly apps = new Map<string, TestApp>();
  /** What the index says; it may lag. */
  readonly index = new Map<string, string>();
  readonly pending: { name: string; answer: () => void; fail: (error: Error) => void }[] = [];
  held = false;

  put(app: TestApp): void {
    this.apps.set(app.id, app);
    this.index.set(app.key, app.id);
  }

  loadById(id: string): Promise<TestApp | undefined> {
    return this.#read(`id ${id}`, () => this.apps.get(id));
  }

  resolveKey(key: string): Promise<string | undefined> {
    return this.#read(`key ${key}`, () => this.index.get(key));
  }

  /** The value is taken when the read is made, and arrives when the test says so: as a slow network does. */
  #read<T>(name: string, value: () => T): Promise<T> {
    if (!this.held) return Promise.resolve(value());
    const taken = value();
    return new Promise((resolve, reject) => {
      this.pending.push({
        name,
        answer: () => {
          resolve(taken);
        },
        fail: reject,
      });
    });
  }

  release(): void {
    for (const { answer } of this.pending.splice(0)) answer();
  }
}

export const v = (version: number, id = "a", key = "k"): TestApp => ({ id, key, version });

export function changed(appId: string, keys: string[] = [], currentKey?: string): Change {
  return { appId, type: "updated", keys, key: currentKey, changed: [] };
}

export const clock = { now: 0 };
export const lease = { until: Number.POSITIVE_INFINITY, provenAt: Number.NEGATIVE_INFINITY };
export let table: HeldTable;
export let failures: string[];
export let changes: string[];
export let cache: AppCache<TestApp>;

/** Before each test. */
export function freshCache(): void {
  table = new HeldTable();
  clock.now = 0;
  lease.until = Number.POSITIVE_INFINITY;
  lease.provenAt = Number.NEGATIVE_INFINITY;
  failures = [];
  changes = [];
  cache = new AppCache<TestApp>({
    source: table,
    clock: () => clock.now,
    lease,
    limits: {
      degradedTtlMs: 5_000,
      maxStaleOnErrorMs: 60_000,
      loadBudgetMs: 5_000,
      missingKeyTtlMs: 1_000,
      maxEntries: 3,
    },
    isSame: (left, right) => left.key === right.key && left.version === right.version,
    onChanged: (id) => changes.push(id),
    onLoadFailed: (what, error) => failures.push(`${what}: ${(error as Error).message}`),
  });
}

/** Lets everything that can go on go on, up to the next held read. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
