/** What can be in a relay's way: each is told once, whatever else is. */
type Part = "redis" | "stream" | "table" | "batch" | "term";

/** What a relay knows of itself, for `/health` and `/metrics`. Times are monotonic milliseconds. */
export class RelayState {
  readonly #clock: () => number;
  /** Shard -> when everything that was in it had been taken for the last time. */
  readonly #shards = new Map<string, number>();
  /** Since when no request to DynamoDB has been answered, while one is under way or failed. */
  #unansweredSince: number | undefined;
  role: "starting" | "standby" | "active" = "starting";
  /** Of the term; undefined while it is not active. */
  token: string | undefined;
  stream: string | undefined;
  #leaseAskedAt = Number.NEGATIVE_INFINITY;
  /** What is in the way, in words; undefined when nothing is. By where it comes from. */
  readonly #trouble = new Map<Part, string>();
  reads = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  began(token: string): void {
    this.role = "active";
    this.token = token;
    this.#shards.clear();
    // What a former term had asked for is not awaited any more.
    this.#unansweredSince = undefined;
  }

  stoodBy(): void {
    this.role = "standby";
    this.token = undefined;
    this.#shards.clear();
    // Of the term that is over. Whether stream and Redis answer is asked on standby, too.
    this.#trouble.delete("batch");
    this.#trouble.delete("table");
  }

  /** Redis has answered, about the lease. */
  leaseAnswered(): void {
    this.#leaseAskedAt = this.#clock();
    this.#trouble.delete("redis");
  }

  troubleWith(what: Part, error: unknown): void {
    this.#trouble.set(what, error instanceof Error ? error.message : String(error));
  }

  wellAgain(part: Part): void {
    this.#trouble.delete(part);
  }

  requested(): void {
    this.#unansweredSince ??= this.#clock();
  }

  answered(): void {
    this.#unansweredSince = undefined;
    this.#trouble.delete("stream");
  }

  /** Since how long DynamoDB gives no answer. Milliseconds; 0 when it does. */
  get unansweredMs(): number {
    return this.#unansweredSince === undefined ? 0 : this.#clock() - this.#unansweredSince;
  }

  shardBegun(shard: string): void {
    this.#shards.set(shard, this.#clock());
  }

  /** @param at when the request was sent whose answer is taken whole. */
  shardCurrent(shard: string, at: number): void {
    this.#shards.set(shard, at);
  }

  shardEnded(shard: string): void {
    this.#shards.delete(shard);
  }

  get shards(): number {
    return this.#shards.size;
  }

  /** How long ago everything was taken that was in the shard which is furthest behind. Undefined while nothing is read. */
  get behindMs(): number | undefined {
    if (this.#shards.size === 0) return undefined;
    return Math.max(0, this.#clock() - Math.min(...this.#shards.values()));
  }

  get leaseAskedMs(): number {
    return this.#clock() - this.#leaseAskedAt;
  }

  get trouble(): string | undefined {
    const words = [...this.#trouble.values()];
    return words.length === 0 ? undefined : words.join("; ");
  }
}
