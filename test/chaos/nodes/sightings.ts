/** A change of one app, and what one node made of it. Times in milliseconds of one clock. */
interface Pending {
  readonly version: number;
  /** When the table had acknowledged it. */
  readonly writtenAt: number;
  /** The longest time after that at which the node was asked, and answered with something older. */
  staleMs: number;
}

/**
 * What one node was seen to serve of one app. An answer counts against the node when the question was asked after the
 * table had acknowledged a newer version: what was asked earlier may have been answered earlier.
 */
export class Sightings {
  #pending: Pending[] = [];
  #newest = 1;
  /** For each change that the node has caught up with: how long it was seen to serve something older. */
  readonly settled: number[] = [];
  /** Answers that were older than one before: a node must never go back. */
  wentBack = 0;

  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Changes that the node was never seen to follow. */
  get unseen(): number {
    return this.#pending.length;
  }

  /** How long the changes that it has not followed yet have been seen missing. */
  get pendingStaleMs(): number {
    return Math.max(0, ...this.#pending.map(({ staleMs }) => staleMs));
  }

  wrote(version: number, writtenAt: number): void {
    this.#pending.push({ version, writtenAt, staleMs: 0 });
  }

  /** One question at a time for each node and app, or an old answer would look like going back. */
  saw(version: number, askedAt: number): void {
    if (version < this.#newest) this.wentBack += 1;
    this.#newest = Math.max(this.#newest, version);
    for (const one of this.#pending)
      if (one.version > version) one.staleMs = Math.max(one.staleMs, askedAt - one.writtenAt);
    const followed = this.#pending.filter((one) => one.version <= version);
    this.settled.push(...followed.map(({ staleMs }) => staleMs));
    this.#pending = this.#pending.filter((one) => one.version > version);
  }
}
