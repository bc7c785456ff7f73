import type { Child } from "./child.ts";

/** Something that was started as a child process. */
export interface Service {
  readonly child: Child;
  stop(): Promise<void>;
}

/** The parts of a stack that run, in the order in which they were started. */
export class Services {
  readonly #stops: (() => Promise<unknown>)[] = [];
  readonly #children: Child[] = [];
  #isStopping = false;

  keep<T extends Service>(part: T): T {
    this.#children.push(part.child);
    this.alsoStop(() => part.stop());
    return part;
  }

  /** For what has no process of its own. */
  alsoStop(stop: () => Promise<unknown>): void {
    this.#stops.push(stop);
  }

  /** Resolves with one line when one of the parts so far ends by itself. */
  async died(): Promise<string> {
    const line = await Promise.race(
      this.#children.map(async (child) => `${child.name} ${await child.exited}`),
    );
    // Stopped by us, it did not die: this promise then stays open for ever.
    return this.#isStopping ? new Promise<string>(() => undefined) : line;
  }

  /** The last started first. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }
}
