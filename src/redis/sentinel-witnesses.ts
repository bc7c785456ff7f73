import { within } from "../async/within.ts";
import type { NatMap, RedisSettings } from "../config/redis.ts";
import { type ConnectionOptions, openClient, reconnect } from "./connection.ts";
import { orRedisError, RedisError, silence } from "./errors.ts";
import type { NodeAddress, RedisClient } from "./library.ts";
import { Ballot, type Verdict, type Vote } from "./majority.ts";
import { textFieldsOf } from "./reply-fields.ts";
import { knownRunIdOf } from "./server-info.ts";
import { NO_MAJORITY } from "./vouched.ts";
import { forSentinels } from "./with-credentials.ts";

type SentinelSettings = Extract<RedisSettings, { kind: "sentinel" }>;

/** A fleet of sentinels is three or five: more addresses than this are a mistake of somebody's. */
const MAX_SENTINELS = 50;

/** One poll: ends with the first majority, or when all have answered. */
interface Poll {
  readonly ballot: Ballot;
  readonly decided: (verdict: Verdict) => void;
  readonly failures: RedisError[];
}

/** Asks the sentinels, those of the settings and those that they know of, each over a connection of its own. */
export class SentinelWitnesses {
  readonly #options: ConnectionOptions;
  readonly #settings: SentinelSettings;
  /** By address, in small letters: names of hosts have no case. */
  readonly #sentinels = new Map<string, RedisClient>();
  /** Addresses of the settings, each once. */
  readonly #listed: readonly string[];

  constructor(options: ConnectionOptions, settings: SentinelSettings) {
    this.#options = options;
    this.#settings = settings;
    for (const { host, port } of settings.sentinels) this.#open({ host, port });
    this.#listed = [...this.#sentinels.keys()];
  }

  /** Rejects with RedisError when no majority agrees in time. */
  async ask(limitMs: number): Promise<Verdict> {
    const doing = "get a majority of its sentinels to name the primary";
    const ballot = new Ballot(() => this.#countListed());
    const failures: RedisError[] = [];
    const failure = (why: string) => {
      const last = failures.at(-1);
      const words = `${why}: ${ballot.describe()}${last ? `; the last failure: ${last.reason}` : ""}`;
      return new RedisError(doing, Object.assign(new Error(words), { code: NO_MAJORITY }));
    };
    const poll = new Promise<Verdict>((resolve, reject) => {
      const asked = [...this.#sentinels.keys()].map((address) =>
        this.#poll(address, { ballot, decided: resolve, failures }),
      );
      void Promise.all(asked).then(() => reject(failure("no majority")));
    });
    return within(limitMs, () => failure(silence(limitMs).message), poll);
  }

  /** By the first sentinel that answers: replicas that say of themselves that they are masters. */
  async otherPrimaries(): Promise<string[]> {
    const doing = "list its replicas";
    const asked = [...this.#sentinels.values()].map((one) =>
      one.call("SENTINEL", "REPLICAS", this.#settings.name),
    );
    const found = await orRedisError(doing, Promise.any(asked));
    return (Array.isArray(found) ? found : []).flatMap((one) => {
      const fields = textFieldsOf(one);
      return fields.get("role-reported") === "master" ? textOf(toldAddress(fields)) : [];
    });
  }

  close(): void {
    for (const sentinel of this.#sentinels.values()) sentinel.disconnect();
  }

  /**
   * How many sentinels the settings name. Two names that lead to one place are one sentinel, as soon as both are connected. Ids
   * do not count here: sentinels that were copied with their configuration share one.
   */
  #countListed(): number {
    const places = this.#listed.map((address) => {
      const sentinel = this.#sentinels.get(address);
      return (sentinel && addressOf(sentinel)) ?? address;
    });
    return new Set(places).size;
  }

  /** Never rejects: one sentinel that says nothing is none of the others' business. */
  async #poll(address: string, poll: Poll): Promise<void> {
    const sentinel = this.#sentinels.get(address);
    if (!sentinel) return;
    try {
      const vote = await this.#vote(sentinel);
      const verdict = poll.ballot.add(vote);
      if (verdict) {
        poll.decided(verdict);
        return;
      }
      if (vote.voters <= this.#sentinels.size) return;
      const others = await this.#discover(sentinel);
      await Promise.all(others.map((other) => this.#poll(other, poll)));
    } catch (error) {
      const failure = error instanceof RedisError ? error : new RedisError("answer as a sentinel", error);
      poll.failures.push(failure);
      // A socket that went silent is never replaced by itself.
      if (failure.code === "TIMEOUT" && sentinel.status === "ready") reconnect(sentinel);
    }
  }

  async #vote(sentinel: RedisClient): Promise<Vote> {
    const master = sentinel.call("SENTINEL", "MASTER", this.#settings.name);
    // Redis 6.2 and later.
    const id = sentinel.call("SENTINEL", "MYID").catch(() => undefined);
    const fields = textFieldsOf(await master);
    const known = await id;
    const run = fields.get("runid");
    return {
      voter: typeof known === "string" ? known : (addressOf(sentinel) ?? ""),
      primary: textOf(translated(toldAddress(fields), this.#settings.natMap)),
      epoch: fields.get("config-epoch") ?? "",
      run: run === "" ? undefined : run,
      voters: Number(fields.get("num-other-sentinels") ?? 0) + 1,
    };
  }

  /** Addresses of those that a sentinel knows, and that are new here. */
  async #discover(sentinel: RedisClient): Promise<string[]> {
    const found = await sentinel.call("SENTINEL", "SENTINELS", this.#settings.name);
    const addresses = (Array.isArray(found) ? found : []).map((one) =>
      translated(toldAddress(textFieldsOf(one)), this.#settings.natMap),
    );
    return addresses.flatMap((address) => this.#open(address) ?? []);
  }

  /** Undefined for one that is known, or no address. */
  #open(address: NodeAddress): string | undefined {
    const name = textOf(address).toLowerCase();
    const isUsable = address.host !== "" && address.port > 0;
    if (!isUsable || this.#sentinels.has(name) || this.#sentinels.size >= MAX_SENTINELS) return undefined;
    const { sentinelUsername, sentinelPassword, sentinelTls, family, keepAliveMs } = this.#settings;
    const client = openClient(
      { ...this.#options, login: forSentinels(this.#options.login) },
      {
        kind: "standalone",
        ...address,
        db: 0,
        username: sentinelUsername,
        password: sentinelPassword,
        tls: sentinelTls !== undefined,
        tlsOptions: sentinelTls,
        family,
        keepAliveMs,
      },
      { maxRetriesPerRequest: 0 },
    );
    this.#sentinels.set(name, client);
    return name;
  }
}

/**
 * Whether a verdict means the server that a connection leads to: by its run id, which sentinels learn from itself; or, until
 * they have asked it again after a restart, by its address. So it does not matter whether they know it by a name, or by an
 * address that is another one from here.
 */
export async function isNamed(
  { runs, primary }: Verdict,
  connection: RedisClient,
  run?: string,
): Promise<boolean> {
  const known = run ?? (await orRedisError("identify itself", knownRunIdOf(connection)));
  return (known !== undefined && runs.includes(known)) || addressOf(connection) === primary;
}

/** Where a connection leads to, names resolved. */
function addressOf({ stream }: RedisClient): string | undefined {
  if (stream?.remoteAddress === undefined || stream.remotePort === undefined) return undefined;
  return textOf({ host: stream.remoteAddress.replace(/^::ffff:/, ""), port: stream.remotePort });
}

function textOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}

/** As ioredis does it for the connection itself. */
export function translated(address: NodeAddress, natMap: NatMap | undefined): NodeAddress {
  const name = textOf(address);
  return (typeof natMap === "function" ? natMap(name) : natMap?.[name]) ?? address;
}

/** Where a server is, as a sentinel tells it. */
function toldAddress(fields: ReadonlyMap<string, string>): NodeAddress {
  return { host: fields.get("ip") ?? "", port: Number(fields.get("port")) };
}
