import type { RedisSettings } from "../../../src/config/redis.ts";
import type { BusNames } from "../../../src/protocol/names.ts";
import type { Random } from "../random.ts";
import { type VirtualTime, WORLD } from "../virtual-time.ts";
import type { Endpoint, Resolve } from "./network.ts";
import { SimulatedSentinel } from "./sentinel.ts";
import { SimulatedServer, type Watch } from "./server.ts";

/**
 * - `address`: one server behind an address that may come to lead to another.
 * - `anonymous`: the same, of servers that do not say who they are.
 * - `replicated`: behind such an address, with two replicas, one of which must have what is written.
 * - `sentinel`: three servers, three sentinels.
 */
export type RedisForm = "address" | "anonymous" | "replicated" | "sentinel";

/** What comes between a death and the promotion, and from it to those who have to hear of it. Milliseconds: from, to. */
const NOTICED_MS = [300, 2_000] as const;
const HEARD_MS = [0, 1_500] as const;

const ADDRESS = "redis";

export interface Split {
  readonly promotions: number;
  readonly frozen: boolean;
  /** One sentinel hears of nothing before the end: it is on the side of the former primary. */
  readonly deaf?: boolean | undefined;
  readonly missing: number;
  readonly until: number;
}

/** Where a process is, when the former primary is apart from the others. */
export type Side = "former" | "new" | "both";

export interface Partition {
  /** Which sentinel is on the side of the primary. */
  readonly sentinel: number;
  /** Which of the replicas is promoted on the other side. */
  readonly promoted: number;
  readonly promotedAt: number;
  /** In so many milliseconds after the promotion all of its side have heard of it. */
  readonly heardMs: number;
  readonly until: number;
}

export const serverHost = (i: number) => `10.0.0.${i + 1}`;
export const sentinelHost = (i: number) => `10.0.1.${i + 1}`;

const ALL = [0, 1, 2] as const;

/** What a process on one side does not reach while the first server is apart with a sentinel. */
export function unreachableFrom(side: Side, sentinel: number): string[] {
  if (side === "both") return [];
  const isThere = side === "new";
  return [
    ...ALL.filter((i) => (i === 0) === isThere).map(serverHost),
    ...ALL.filter((i) => (i === sentinel) === isThere).map(sentinelHost),
  ];
}

export interface DeploymentOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly form: RedisForm;
  readonly names: BusNames;
  readonly watch: Watch;
}

/** All of Redis: which servers there are, who leads to which, and what goes wrong among them. */
export class Deployment {
  readonly settings: RedisSettings;
  readonly minReplicas: number;
  readonly servers: readonly SimulatedServer[];
  readonly #options: DeploymentOptions;
  readonly #sentinels: readonly SimulatedSentinel[];
  #epoch = 1;
  #deaf: SimulatedSentinel | undefined;
  /** The one that there should be. */
  #primary: SimulatedServer;
  /** Where the address leads. */
  #target: SimulatedServer;
  /** Where it led before: it still does for whoever is on that side of the network. */
  #formerTarget: SimulatedServer;

  constructor(options: DeploymentOptions) {
    this.#options = options;
    const { time, random, form, watch } = options;
    const create = (i: number) =>
      new SimulatedServer({
        time,
        random,
        watch,
        host: serverHost(i),
        tellsIdentity: form !== "anonymous",
      });
    this.servers = ALL.map(create);
    const [first] = this.servers;
    if (!first) throw new Error("expected a server, found none");
    this.#primary = first;
    this.#target = first;
    this.#formerTarget = first;
    // Where nobody asks replicas anything, they need not be there before they take over.
    if (this.isWitnessed) for (const server of this.servers) if (server !== first) server.follow(first);
    this.#sentinels = ALL.map(
      (i) =>
        new SimulatedSentinel(
          sentinelHost(i),
          { primary: first, epoch: 1 },
          () => this.#sentinels,
          () => time.now,
        ),
    );
    const common = { db: 0, tls: false };
    this.settings =
      form === "sentinel"
        ? {
            kind: "sentinel",
            name: "apps",
            sentinels: this.#sentinels.map(({ host, port }) => ({ host, port })),
            ...common,
          }
        : { kind: "standalone", host: ADDRESS, port: 6379, ...common };
    this.minReplicas = form === "replicated" ? 1 : 0;
  }

  /** Whether somebody can tell that a server is the one. */
  get isWitnessed(): boolean {
    return this.#options.form === "sentinel" || this.#options.form === "replicated";
  }

  get primary(): SimulatedServer {
    return this.#primary;
  }

  /** Who connects to the address now gets to the primary. */
  get leadsToPrimary(): boolean {
    return this.#target === this.#primary;
  }

  readonly resolve: Resolve = (host, _, link) => {
    if (host === ADDRESS) return link.stateOf(this.#target.host) === "up" ? this.#target : this.#formerTarget;
    const all: readonly Endpoint[] = [...this.servers, ...this.#sentinels];
    return all.find((one) => one.host === host);
  };

  /** All of Redis is away, and then the same again. */
  away(until: number): void {
    for (const server of this.servers) {
      server.up = false;
      server.dropClients();
    }
    this.#at(until, () => {
      for (const server of this.servers) server.up = !server.isKilled;
    });
  }

  full(until: number): void {
    for (const server of this.servers) server.full = true;
    this.#at(until, () => {
      for (const server of this.servers) server.full = false;
    });
  }

  lossy(until: number): void {
    for (const server of this.servers) server.loss = 0.5;
    this.#at(until, () => {
      for (const server of this.servers) server.loss = 0;
    });
  }

  /** The primary is killed, and started: with its log, as from an append-only file, or empty. */
  restart(empty: boolean, until: number): void {
    const server = this.#primary;
    server.kill();
    this.#at(until, () => {
      if (server.up) return;
      const keepsReplication = !empty && this.#options.random.chance(0.5);
      server.start(empty ? new Map() : undefined, keepsReplication);
      if (server !== this.#primary) server.follow(this.#primary);
      else if (this.isWitnessed) for (const replica of this.#replicas()) replica.follow(server);
    });
  }

  /**
   * A replica takes over, which has not got the newest messages yet.
   *
   * @param silently the former primary goes on as its replica, and keeps its clients; otherwise it is killed.
   */
  failover(missing: number, silently: boolean): void {
    const former = this.#primary;
    this.#promote(this.#next(), missing);
    if (former === this.#primary) return;
    if (silently) former.follow(this.#primary);
    else {
      former.kill();
      this.#soon([1_000, 4_000], () => {
        former.start();
        if (former !== this.#primary) former.follow(this.#primary);
      });
    }
  }

  /**
   * Two or three servers take writes at a time: others are promoted, one after the other, and none of the former ones learns
   * of it before the end.
   *
   * Frozen: the first of them is, and is the primary when it wakes, for all it knows.
   */
  split({ promotions, frozen, deaf = false, missing, until }: Split): void {
    const { random } = this.#options;
    const first = this.#primary;
    if (deaf) this.#deaf = random.pick(this.#sentinels);
    if (frozen) first.freeze();
    const promote = (left: number) => {
      if (this.#options.time.now >= until) return;
      this.#promote(this.#next(), missing);
      if (left > 1) this.#soon([100, 1_500], () => promote(left - 1));
    };
    this.#soon(frozen ? NOTICED_MS : [0, 0], () => promote(promotions));
    const wake = until - random.between(100, 1_500);
    this.#at(wake, () => first.thaw());
    this.#at(until, () => this.reconfigure());
  }

  /** The primary and a sentinel are apart from all others, of whom one is promoted. */
  partition({ sentinel, promoted, promotedAt, heardMs, until }: Partition): void {
    const first = this.#primary;
    const next = this.servers[promoted];
    this.#deaf = this.#sentinels[sentinel];
    first.isolate();
    this.#at(promotedAt, () => {
      if (next) this.#promote(next, 0, [0, heardMs]);
    });
    this.#at(until, () => {
      first.rejoin();
      this.reconfigure();
    });
  }

  /** The primary goes on alone: its replicas get nothing of it. */
  cutReplicas(until: number): void {
    const server = this.#primary;
    server.isolate();
    this.#at(until, () => server.rejoin());
  }

  /** Whether a majority of the sentinels has named a server since then. Each at some moment: they are asked one by one. */
  wasNamed(server: SimulatedServer, since: number): boolean {
    const naming = this.#sentinels.filter((sentinel) => sentinel.hasNamed(server, since));
    return naming.length * 2 > this.#sentinels.length;
  }

  /**
   * Another is promoted, and then the former one again, which has never learnt that it was none meanwhile: it says of itself
   * what it said before. All sentinels hear of it at once.
   */
  flap(forMs: number): void {
    const first = this.#primary;
    this.#promoteAtOnce(this.#next());
    this.#soon([forMs, forMs], () => {
      this.#promoteAtOnce(first);
      this.#soon([200, 400], () => this.reconfigure());
    });
  }

  /** By a pipeline of before: it knows nothing of what is kept beside the log. It says the newest message once more. */
  appendAsBefore(): void {
    const { names } = this.#options;
    const { keys } = this.#primary;
    const [json] = keys.messages(names.log).slice(-1);
    if (json === undefined || !this.#primary.up) return;
    const info = keys.run("XINFO", ["STREAM", names.log], 0) as string[];
    const [epoch = "", seq = ""] = (info[3] ?? "").split("-");
    const id = `${epoch}-${Number(seq) + 1}`;
    const kept = keys.run("XLEN", [names.log], 0) as number;
    this.#primary.tamper(
      () => void keys.run("XADD", [names.log, "MAXLEN", "~", String(kept), id, "m", json], 0),
      true,
    );
    this.#primary.publish(names.live, `${id} ${json}`);
  }

  /** All of them follow the one. Sentinel ends their clients, whoever moves an address does not. */
  reconfigure(): void {
    this.#lead(this.#primary);
    this.#deaf?.hear({ primary: this.#primary, epoch: this.#epoch });
    this.#deaf = undefined;
    if (!this.isWitnessed) return;
    for (const server of this.#replicas()) {
      const wasPrimary = server.isPrimary;
      server.thaw();
      if (server.primary !== this.#primary) server.follow(this.#primary);
      if (wasPrimary && this.#options.form === "sentinel") server.dropClients();
    }
  }

  #replicas(): SimulatedServer[] {
    return this.servers.filter((server) => server !== this.#primary);
  }

  /**
   * Any other that is there. Where no sentinel counts promotions, nothing tells that a former primary, which has learnt of none, is
   * made the primary again: what another took meanwhile is lost, and nobody knows (docs/reliability.md).
   */
  #next(): SimulatedServer {
    const isKnown = ({ isPrimary }: SimulatedServer) => this.#options.form === "replicated" && isPrimary;
    const others = this.#replicas().filter((server) => server.up && !isKnown(server));
    return others.length === 0 ? this.#primary : this.#options.random.pick(others);
  }

  #promote(server: SimulatedServer, missing: number, heardMs: readonly [number, number] = HEARD_MS): void {
    if (server === this.#primary) return;
    this.#epoch += 1;
    const view = { primary: server, epoch: this.#epoch };
    if (!this.isWitnessed) server.follow(this.#primary);
    if (!server.isPrimary) server.promote(missing);
    this.#primary = server;
    const hearing = this.#sentinels.filter((sentinel) => sentinel !== this.#deaf);
    const [leader, ...others] = this.#options.random.shuffled(hearing);
    leader?.hear(view);
    for (const sentinel of others) this.#soon(heardMs, () => sentinel.hear(view));
    this.#soon(heardMs, () => {
      if (this.#primary === server) this.#lead(server);
    });
    if (!this.isWitnessed) return;
    for (const replica of this.#replicas())
      this.#soon(heardMs, () => {
        if (this.#primary === server && !replica.isPrimary) replica.follow(server);
      });
  }

  #lead(server: SimulatedServer): void {
    if (server !== this.#target) this.#formerTarget = this.#target;
    this.#target = server;
  }

  #promoteAtOnce(server: SimulatedServer): void {
    this.#epoch += 1;
    if (!server.isPrimary) server.promote(0);
    this.#primary = server;
    for (const sentinel of this.#sentinels) sentinel.hear({ primary: server, epoch: this.#epoch });
  }

  #soon([from, to]: readonly [number, number], run: () => void): void {
    this.#options.time.after(this.#options.random.between(from, to), run, WORLD);
  }

  #at(until: number, run: () => void): void {
    this.#options.time.after(until - this.#options.time.now, run, WORLD);
  }
}
