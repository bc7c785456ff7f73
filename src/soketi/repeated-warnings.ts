import type { SoketiLog } from "./package.ts";

/** While one kind of failure goes on, it is said again this often. Milliseconds. */
const REPEAT_MS = 30_000;

/** Kinds of failure that are remembered as said. Items are somebody else's input: there may be any number. */
const MAX_KINDS = 1_000;

/** A kind of failure that goes on is written once in a while, not each time. */
export class RepeatedWarnings {
  readonly #log: SoketiLog;
  readonly #writtenAt = new Map<string, number>();

  constructor(log: SoketiLog) {
    this.#log = log;
  }

  warn(kind: string, text: string): void {
    // Not the time of day: set back by an hour, it would keep every failure of that hour unsaid.
    const now = performance.now();
    if (now - (this.#writtenAt.get(kind) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    if (this.#writtenAt.size >= MAX_KINDS) this.#writtenAt.clear();
    this.#writtenAt.set(kind, now);
    this.#log.warning(`app-sync: ${text}`);
  }

  /** What comes after a recovery is news again. */
  forget(): void {
    this.#writtenAt.clear();
  }
}
