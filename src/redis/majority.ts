/** What one voter says: which server is the primary now, and in which epoch. */
export interface Vote {
  /** Who says so: whoever is reached by two addresses has one vote. */
  readonly voter: string;
  /** Its address, `host:port`, from here. */
  readonly primary: string;
  /** Goes up each time that another server is made the primary. Empty where nobody counts. */
  readonly epoch: string;
  /** The run id that the voter knows it by. */
  readonly run?: string | undefined;
  /** How many voters there are, as far as this one knows. */
  readonly voters: number;
}

/** What a majority says. */
export interface Verdict {
  readonly primary: string;
  readonly epoch: string;
  /** Run ids that those who agree know it by: some may be of before a restart. */
  readonly runs: readonly string[];
}

/**
 * Counts votes as they come.
 *
 * Invariant: two ballots that name different primaries have a voter in common, who changed its mind between the two. As a
 * voter never goes back to an earlier epoch, what the later one says is the newer.
 */
export class Ballot {
  readonly #votes = new Map<string, Vote>();
  readonly #atLeast: () => number;
  #told = 0;

  /** @param voters how many there are at least, as far as is known now: one who knows of no others may not decide alone. */
  constructor(voters: () => number) {
    this.#atLeast = voters;
  }

  get #voters(): number {
    return Math.max(this.#atLeast(), this.#told);
  }

  /** @returns the verdict, once a majority agrees. */
  add(vote: Vote): Verdict | undefined {
    this.#votes.set(vote.voter, vote);
    this.#told = Math.max(this.#told, vote.voters);
    const agreeing = [...this.#votes.values()].filter(
      ({ primary, epoch }) => primary === vote.primary && epoch === vote.epoch,
    );
    if (agreeing.length * 2 <= this.#voters) return undefined;
    const runs = agreeing.flatMap(({ run }) => run ?? []);
    return { primary: vote.primary, epoch: vote.epoch, runs };
  }

  /** For people: how it stands. */
  describe(): string {
    const counts = new Map<string, number>();
    for (const { primary, epoch } of this.#votes.values()) {
      const what = epoch === "" ? primary : `${primary} in epoch ${epoch}`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    const named = [...counts].map(([what, count]) => `${count} name ${what}`);
    return `of ${this.#voters}, ${named.length === 0 ? "none has answered" : named.join(", ")}`;
  }
}
