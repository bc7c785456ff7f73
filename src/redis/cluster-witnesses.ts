import { within } from "../async/within.ts";
import type { NatMap } from "../config/redis.ts";
import { orRedisError, RedisError, silence } from "./errors.ts";
import type { RedisClient, RedisCluster } from "./library.ts";
import { Ballot, type Verdict } from "./majority.ts";
import { translated } from "./sentinel-witnesses.ts";
import { knownRunIdOf } from "./server-info.ts";
import { NO_MAJORITY, type Witnesses } from "./vouched.ts";

export interface ClusterWitnessesOptions {
  readonly cluster: RedisCluster;
  readonly natMap: NatMap | undefined;
  /** A key of the slot that matters. */
  readonly key: string;
  readonly limitMs: number;
}

/**
 * The masters of a cluster are asked for a key of the slot: who does not have it says `MOVED`, and to whom. A replica takes
 * over only by the votes of a majority of them, so that a majority knows of it, whatever the former owner says.
 */
export class ClusterWitnesses implements Witnesses {
  readonly #options: ClusterWitnessesOptions;

  constructor(options: ClusterWitnessesOptions) {
    this.#options = options;
  }

  async ask(): Promise<Verdict> {
    const { limitMs } = this.#options;
    try {
      return await within(limitMs, () => silence(limitMs), this.#poll());
    } catch (error) {
      throw new RedisError("get a majority of the cluster's masters to name the log's owner", error);
    }
  }

  async names(verdict: Verdict, run?: string): Promise<boolean> {
    const owner = this.owner(verdict);
    if (!owner) return false;
    return run === undefined || run === (await orRedisError("identify itself", knownRunIdOf(owner)));
  }

  owner({ primary }: Verdict): RedisClient | undefined {
    return this.#options.cluster.nodes("master").find((master) => nameOf(master) === primary);
  }

  socket(verdict: Verdict | undefined): unknown {
    return verdict && this.owner(verdict)?.stream;
  }

  /** A replica's answer is no safeguard here: the masters' majority is. */
  replicated(): Promise<void> {
    return Promise.resolve();
  }

  async #poll(): Promise<Verdict> {
    const { cluster, key } = this.#options;
    // It knows its nodes only once it is connected, which any command brings about; and follows the slot when it has moved.
    await cluster.exists(key);
    const masters = cluster.nodes("master");
    const ballot = new Ballot(() => masters.length);
    let last: unknown;
    return new Promise((resolve, reject) => {
      const asked = masters.map(async (master) => {
        try {
          const primary = await this.#ownerBy(master);
          const verdict = ballot.add({ voter: nameOf(master), primary, epoch: "", voters: masters.length });
          if (verdict) resolve(verdict);
        } catch (error) {
          last = error;
        }
      });
      void Promise.all(asked).then(() => {
        const why = last === undefined ? "" : `; the last failure: ${new RedisError("answer", last).reason}`;
        const words = `no majority: ${ballot.describe()}${why}`;
        reject(Object.assign(new Error(words), { code: NO_MAJORITY }));
      });
    });
  }

  /** Whom a master knows as the slot's owner. */
  async #ownerBy(master: RedisClient): Promise<string> {
    try {
      await master.exists(this.#options.key);
      return nameOf(master);
    } catch (error) {
      const words = error instanceof Error ? error.message : "";
      // While a slot moves, its owner sends askers on for keys that it does not have any more.
      if (words.startsWith("ASK ")) return nameOf(master);
      const [, given, port] = /^MOVED \d+ (.*):(\d+)$/.exec(words) ?? [];
      if (given === undefined) throw error;
      // Without a host it is the one that was asked.
      const host = given === "" ? (master.options.host ?? "") : given;
      const address = translated({ host, port: Number(port) }, this.#options.natMap);
      return `${address.host}:${address.port}`;
    }
  }
}

function nameOf({ options }: RedisClient): string {
  return `${options.host ?? "127.0.0.1"}:${options.port ?? 6379}`;
}
