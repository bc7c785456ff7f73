import { within } from "../../async/within.ts";
import type { GuardName } from "../../config/guards.ts";

/** What a part of soketi has for its end. Milliseconds. */
const END_MS = 2_000;

/** What Redis has for an answer: as long as soketi waits for other nodes', by default. Milliseconds. */
export const ANSWER_MS = 5_000;

export interface GuardsOptions {
  readonly on: ReadonlySet<GuardName>;
  /** Called each time that a guard acts. */
  readonly onCaught: (where: GuardName, what: string, error?: string) => void;
}

/**
 * The guards that are on, and what they do when one of them has caught something. soketi ends its process on an error
 * that nobody catches; a guard catches what is thrown, or rejected, by the one call that it is put around, and nothing else.
 */
export class Guards {
  readonly #options: GuardsOptions;

  constructor(options: GuardsOptions) {
    this.#options = options;
  }

  has(name: GuardName): boolean {
    return this.#options.on.has(name);
  }

  /** @param what in words of ours: what clients sent is not logged. */
  caught(where: GuardName, what: string, error?: unknown): void {
    this.#options.onCaught(where, what, error === undefined ? undefined : describe(error));
  }

  /** What `work` gives; undefined when it throws. */
  run<T>(where: GuardName, what: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.caught(where, what, error);
      return undefined;
    }
  }

  /** What `work` resolves to; `instead` when it throws or rejects. */
  async settle<T>(where: GuardName, what: string, work: () => T | Promise<T>, instead: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.caught(where, what, error);
      return instead;
    }
  }

  /**
   * As `settle`, and in time: a Redis that is away without having said so answers never, or after minutes.
   *
   * @param failed what has failed, in words.
   */
  answer<T>(
    where: GuardName,
    failed: string,
    ask: () => Promise<T>,
    instead: T,
    limitMs = ANSWER_MS,
  ): Promise<T> {
    return this.settle(where, failed, () => within(limitMs, "an answer", ask()), instead);
  }

  /** As `settle`, and in time: while Redis is away a connection to it does not end, and soketi would never stop. */
  endOf(what: string, end: () => Promise<unknown>): Promise<unknown> {
    const ended = () => within(END_MS, `${what} to end`, end());
    return this.settle<unknown>("drivers", `${what} did not end`, ended, undefined);
  }
}

/** A SyntaxError of JSON quotes what it could not read, which is somebody's data. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "something other than an error was thrown";
  return error instanceof SyntaxError ? error.name : `${error.name}: ${error.message.slice(0, 200)}`;
}
