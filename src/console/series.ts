/** One bucket of time, summed up. Times in milliseconds; null where nothing happened. */
export interface Point {
  /** Milliseconds since 1970 at its beginning. */
  readonly at: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  /** Lookups answered from caches, and reads of DynamoDB, each per second. Null until the bucket is full: a part says little. */
  readonly hitsPerSecond: number | null;
  readonly readsPerSecond: number | null;
}

interface Bucket {
  readonly at: number;
  readonly lags: number[];
  hits: number;
  reads: number;
}

/** What a node has counted since its start. */
export interface Counted {
  readonly hits: number;
  readonly reads: number;
}

const BUCKET_MS = 5_000;

/** Ten minutes. */
const MAX_BUCKETS = 120;

/** Ten minutes of staleness and reads, in buckets of five seconds. */
export class Series {
  readonly #buckets: Bucket[] = [];
  readonly #before = new Map<string, Counted>();

  /** From the function's invocation to the drop on one node. */
  lag(lagMs: number, now: number): void {
    this.#bucket(now).lags.push(Math.max(0, lagMs));
  }

  /** A node's counters as they are now: what is new since it was asked last counts. */
  counted(node: string, { hits, reads }: Counted, now: number): void {
    const bucket = this.#bucket(now);
    const before = this.#before.get(node);
    // Seen for the first time, a node brings the past of which it is not known when it was.
    if (before) {
      bucket.hits += Math.max(0, hits - before.hits);
      bucket.reads += Math.max(0, reads - before.reads);
    }
    this.#before.set(node, { hits, reads });
  }

  /** A node that is gone: they come and go, each with an id of its own. */
  forget(node: string): void {
    this.#before.delete(node);
  }

  points(now: number): Point[] {
    this.#bucket(now);
    return this.#buckets.map(({ at, lags, hits, reads }) => {
      const sorted = [...lags].sort((a, b) => a - b);
      const quantile = (share: number) =>
        sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
      const perSecond = (count: number) => (now - at < BUCKET_MS ? null : count / (BUCKET_MS / 1_000));
      return {
        at,
        p50: quantile(0.5),
        p99: quantile(0.99),
        max: sorted.at(-1) ?? null,
        hitsPerSecond: perSecond(hits),
        readsPerSecond: perSecond(reads),
      };
    });
  }

  #bucket(now: number): Bucket {
    const at = Math.floor(now / BUCKET_MS) * BUCKET_MS;
    const last = this.#buckets.at(-1);
    if (last && last.at >= at) return last;
    const bucket: Bucket = { at, lags: [], hits: 0, reads: 0 };
    this.#buckets.push(bucket);
    if (this.#buckets.length > MAX_BUCKETS) this.#buckets.shift();
    return bucket;
  }
}
