import type { AgentReporter, AgentSettings } from "../../src/agent/agent-options.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { Connection } from "../../src/agent/ports.ts";
import type { App } from "../../src/app/app.ts";
import { createSource, type DynamoDbWeather } from "./dynamodb.ts";
import type { Link } from "./link.ts";
import { Random } from "./random.ts";
import { runOf, type SimulatedRedis, type Subscriber } from "./redis.ts";
import type { SimulatedTable, Version } from "./table.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** As src/soketi/attach.ts has it. Milliseconds. */
const HEARTBEAT_LIMIT_MS = 1_000;

/** A subscription that says nothing is given up after this. Milliseconds. */
const SILENCE_MS = 1_500;

/** A subscription may stay with a master that is none any more for as long as this. Milliseconds. */
const DEMOTED_MS = 10_000;

export interface NodeParts {
  readonly name: string;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly link: Link;
  readonly redis: SimulatedRedis;
  readonly table: SimulatedTable;
  readonly weather: Readonly<DynamoDbWeather>;
  readonly settings: AgentSettings;
}

interface Client extends Connection<App> {
  readonly app: App;
}

const QUIET: AgentReporter = {
  dropped: () => undefined,
  flushed: () => undefined,
  leaseChanged: () => undefined,
  heartbeatFailed: () => undefined,
  loadFailed: () => undefined,
  connectionsRefreshed: () => undefined,
  staleFound: () => undefined,
};

/** One soketi process: the real agent, between a subscription, a table and clients that are simulated. */
export class SimulatedNode {
  readonly name: string;
  readonly agent: Agent<App>;
  /** App id -> who is connected. */
  readonly clients = new Map<string, Set<Client>>();
  /** What could not be read, and when: an app id or a key. For the oracle. */
  readonly failedReads: { readonly what: string; readonly at: number }[] = [];
  /** When the newest heartbeat was sent that was answered. The oracle's own idea of the lease. */
  lastAnsweredHeartbeat = Number.NEGATIVE_INFINITY;
  /** When it woke up from its last pause. */
  awakeSince = 0;
  readonly #parts: NodeParts;
  #subscriber: Subscriber | undefined;
  #lastDelivery = 0;
  #connections = 0;
  readonly #entryDice: Random;

  constructor(parts: NodeParts) {
    const { name, time, random, link, redis, table, weather, settings } = parts;
    this.name = name;
    this.#parts = parts;
    this.#entryDice = new Random(`entry ${name}`);
    this.agent = new Agent<App>({
      ...settings,
      bus: {
        heartbeat: async () => {
          const sentAt = time.now;
          const tail = await link.call(() => redis.heartbeat(), HEARTBEAT_LIMIT_MS);
          this.lastAnsweredHeartbeat = Math.max(this.lastAnsweredHeartbeat, sentAt);
          return tail;
        },
        read: (after, last) => link.call(() => redis.read(after, last), HEARTBEAT_LIMIT_MS),
        resubscribe: () => {
          if (this.#subscriber) this.#lost(this.#subscriber, false);
        },
      },
      source: createSource(table, weather, time, random, name, (what) => {
        this.failedReads.push({ what, at: time.now });
      }),
      connections: {
        appIds: () => [...this.clients.keys()],
        has: (appId) => this.clients.has(appId),
        of: (appId) => [...(this.clients.get(appId) ?? [])],
      },
      isSame: (left, right) => JSON.stringify(left) === JSON.stringify(right),
      report: QUIET,
      clock: () => time.now,
      now: () => time.now,
    });
  }

  /** Runs as this node. */
  start(): void {
    this.agent.start();
    this.#connect();
  }

  stop(): void {
    if (this.#subscriber) this.#parts.redis.subscribers.delete(this.#subscriber);
    this.#parts.time.stop(this.name);
  }

  /** A client connects with a key; whether the node lets it in is soketi's own rule. */
  accept(app: App): void {
    if (!app.enabled) return;
    let current = app;
    this.#connections += 1;
    const client: Client = {
      id: `${this.#connections}`,
      key: app.key,
      get app() {
        return current;
      },
      has: (other) => other === current,
      hasSecretOf: (other) => other.secret === current.secret,
      replace: (other) => {
        current = other;
      },
      close: () => {
        const others = this.clients.get(app.id);
        others?.delete(client);
        if (others?.size === 0) this.clients.delete(app.id);
      },
    };
    // soketi counts the fleet's connections before it enters one.
    const enter = () => {
      this.clients.set(app.id, (this.clients.get(app.id) ?? new Set()).add(client));
      this.agent.connections.entered(app.id, client);
    };
    this.#parts.time.after(this.#entryDice.between(0, 60), enter, this.name);
  }

  /** The network between this node and Redis breaks: a cut is noticed at once, a silence after a while. */
  linkBroke(): void {
    if (this.#subscriber) this.#lost(this.#subscriber, this.#parts.link.state === "silent");
  }

  #connect(): void {
    const { link, redis, time, name } = this.#parts;
    const subscriber: Subscriber = {
      node: name,
      server: redis.identity,
      deliver: (payload, tells) => {
        this.#deliver(subscriber, payload, tells);
      },
      serverGone: (silently) => {
        // A demoted master answers pings, and has nothing to say.
        this.#lost(subscriber, silently, DEMOTED_MS);
      },
    };
    const subscribe = () => {
      redis.assertUp();
      redis.subscribers.add(subscriber);
      this.#subscriber = subscriber;
      this.#lastDelivery = 0;
    };
    link.call(subscribe, SILENCE_MS).then(
      () => {
        if (this.#subscriber === subscriber) void this.agent.subscribed(runOf(subscriber.server));
      },
      () => {
        this.#drop(subscriber);
        time.after(500, () => {
          this.#connect();
        });
      },
    );
  }

  /** In the order of the publishes, as one socket has it. */
  #deliver(subscriber: Subscriber, payload: string, tells: readonly Version[]): void {
    const { link, time, name } = this.#parts;
    if (link.state !== "up") return;
    const at = Math.max(this.#lastDelivery, time.now + link.delay());
    this.#lastDelivery = at;
    const arrive = () => {
      if (this.#subscriber !== subscriber) return;
      if (this.agent.follower.state !== "down")
        for (const { arrivedAt } of tells) if (!arrivedAt.has(name)) arrivedAt.set(name, time.now);
      this.agent.follower.onLive(payload);
    };
    time.after(at - time.now, arrive, name);
  }

  #lost(subscriber: Subscriber, silently: boolean, silentForMs = SILENCE_MS): void {
    const { redis, time, name, random } = this.#parts;
    redis.subscribers.delete(subscriber);
    const noticed = () => {
      if (this.#subscriber !== subscriber) return;
      this.#drop(subscriber);
      this.agent.follower.onLost();
      this.#connect();
    };
    time.after(silently ? random.between(500, silentForMs) : random.between(0, 5), noticed, name);
  }

  #drop(subscriber: Subscriber): void {
    this.#parts.redis.subscribers.delete(subscriber);
    if (this.#subscriber === subscriber) this.#subscriber = undefined;
  }
}
