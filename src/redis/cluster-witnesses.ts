import { within } from "../async/within.ts";
import type { RedisSettings } from "../config/redis.ts";
import { orRedisError, RedisError, silence } from "./errors.ts";
import type { RedisClient, RedisCluster } from "./library.ts";
import { Ballot, type Verdict } from "./majority.ts";
import { knownRunIdOf } from "./server-info.ts";
import { translated } from "./sentinel-witnesses.ts";
import { NO_MAJORITY, type Witnesses } from "./vouched.ts";

type ClusterSettings = Extract<RedisSettings, { kind: "cluster" }>;

export interface ClusterWitnessesOptions {
  readonly cluster: RedisCluster;
  readonly settings: ClusterSettings;
  /** A key of the slot that matters. */
  readonly key: string;
  readonly limitMs: number;
}

/**
 * The masters of a cluster are asked for a key of the slot: who does not have it says `MOVED`, and to whom. A replica takes
 * over only by the votes of a majority of them, so that a majority knows of it, whatever the former owner says.
 */
export function clusterWitnesses({ cluster, settings, key, limitMs }: ClusterWitnessesOptions): Witnesses {
  /** Whom a master knows as the slot's owner. */
  async function ownerBy(master: RedisClient): Promise<string> {
    try {
      await master.exists(key);
      return nameOf(master);
    } catch (error) {
      const [, host = "", port = ""] =
        /^MOVED \d+ (.*):(\d+)$/.exec(error instanceof Error ? error.message : "") ?? [];
      if (port === "") {
        // While a slot moves, its owner sends askers on for keys that it does not have any more.
        if (error instanceof Error && error.message.startsWith("ASK ")) return nameOf(master);
        throw error;
      }
      const address = { host: host === "" ? (master.options.host ?? "") : host, port: Number(port) };
      const { host: name, port: number } = translated(address, settings.natMap);
      return `${name}:${number}`;
    }
  }

  async function poll(): Promise<Verdict> {
    // It knows its nodes only once it is connected, which any command brings about; and follows the slot when it has moved.
    await cluster.exists(key);
    const masters = cluster.nodes("master");
    const ballot = new Ballot(masters.length);
    let last: unknown;
    return new Promise((resolve, reject) => {
      const asked = masters.map(async (master) => {
        try {
          const vote = {
            voter: nameOf(master),
            primary: await ownerBy(master),
            epoch: "",
            voters: masters.length,
          };
          const verdict = ballot.add(vote);
          if (verdict) resolve(verdict);
        } catch (error) {
          last = error;
        }
      });
      void Promise.all(asked).then(() => {
        const why = last === undefined ? "" : `; the last failure: ${new RedisError("", last).reason}`;
        reject(Object.assign(new Error(`no majority: ${ballot.describe()}${why}`), { code: NO_MAJORITY }));
      });
    });
  }

  const ownerIn = ({ primary }: Verdict) => cluster.nodes("master").find((one) => nameOf(one) === primary);
  return {
    async ask() {
      const doing = "be told by a majority of the masters who has the log's slot";
      try {
        return await within(limitMs, () => silence(limitMs), poll());
      } catch (error) {
        throw new RedisError(doing, error);
      }
    },
    async names(verdict, run) {
      const owner = ownerIn(verdict);
      if (!owner) return false;
      return run === undefined || run === (await orRedisError("say which server it is", knownRunIdOf(owner)));
    },
    owner: ownerIn,
    socket: (verdict) => verdict && ownerIn(verdict)?.stream,
    replicated: () => Promise.resolve(),
  };
}

function nameOf({ options }: RedisClient): string {
  return `${options.host ?? "127.0.0.1"}:${options.port ?? 6379}`;
}
