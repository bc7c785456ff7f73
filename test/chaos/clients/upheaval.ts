import { setTimeout as pause } from "node:timers/promises";
import type { TcpProxy } from "../../../local/tcp-proxy.ts";
import { Random } from "../../simulation/random.ts";
import type { Tenants } from "./tenants.ts";

export interface UpheavalOptions {
  readonly seed: string;
  readonly tenants: Tenants;
  /** The node's ways to DynamoDB, to the log's Redis and to soketi's own. */
  readonly links: readonly TcpProxy[];
}

/** Milliseconds. */
const BETWEEN_CHANGES = 80;
const OUTAGE = { from: 300, to: 4_000 };
const BETWEEN_OUTAGES = { from: 500, to: 3_000 };

/** Apps are changed all the time, and what the node needs comes and goes. */
export class Upheaval {
  readonly #options: UpheavalOptions;
  readonly #stop = new AbortController();
  readonly #going: Promise<unknown>;
  changes = 0;
  outages = 0;

  constructor(options: UpheavalOptions) {
    this.#options = options;
    this.#going = Promise.all([this.#change(), this.#cut()]);
  }

  /** All is well when it resolves. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#going;
  }

  async #change(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#options.tenants.change();
      this.changes += 1;
      await pause(BETWEEN_CHANGES);
    }
  }

  async #cut(): Promise<void> {
    const random = new Random(`${this.#options.seed}/outages`);
    while (!this.#stop.signal.aborted) {
      await pause(random.between(BETWEEN_OUTAGES.from, BETWEEN_OUTAGES.to));
      const links = random.chance(0.2) ? this.#options.links : [random.pick(this.#options.links)];
      const kind = random.pick(["away", "silent", "slow"] as const);
      this.outages += 1;
      for (const link of links) begin[kind](link, random);
      await pause(random.between(OUTAGE.from, OUTAGE.to));
      for (const link of links) end[kind](link);
    }
  }
}

const begin = {
  away(link: TcpProxy) {
    link.refuse(true);
    link.disconnect();
  },
  silent: (link: TcpProxy) => link.freeze(),
  slow: (link: TcpProxy, random: Random) => link.slow(() => random.between(0, 300)),
};

const end = {
  away: (link: TcpProxy) => link.refuse(false),
  silent(link: TcpProxy) {
    link.thaw();
    // What was silent is dead: the system notices at last.
    link.disconnect();
  },
  slow: (link: TcpProxy) => link.slow(() => 0),
};
