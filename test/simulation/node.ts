import type { AgentReporter, AgentSettings } from "../../src/agent/agent-options.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { Bus, Connection } from "../../src/agent/ports.ts";
import type { App } from "../../src/app/app.ts";
import { createSource, type DynamoDbWeather } from "./dynamodb.ts";
import { Random } from "./random.ts";
import type { SimulatedTable } from "./table.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A node's way to Redis. */
export interface NodeRedis {
  readonly bus: Bus;
  heartbeatFailed(error: unknown): void;
  /** Subscribes, and starts the agent. */
  start(agent: Agent<App>): void;
  /** The process is killed. */
  stop(): void;
}

export interface NodeParts {
  readonly name: string;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly redis: NodeRedis;
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
  #connections = 0;
  readonly #entryDice: Random;

  constructor(parts: NodeParts) {
    const { name, time, random, redis, table, weather, settings } = parts;
    this.name = name;
    this.#parts = parts;
    this.#entryDice = new Random(`entry ${name}`);
    const { bus } = redis;
    this.agent = new Agent<App>({
      ...settings,
      bus: {
        heartbeat: async () => {
          const sentAt = time.now;
          const tail = await bus.heartbeat();
          this.lastAnsweredHeartbeat = Math.max(this.lastAnsweredHeartbeat, sentAt);
          return tail;
        },
        read: (after, last) => bus.read(after, last),
        resubscribe: () => bus.resubscribe(),
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
      report: { ...QUIET, heartbeatFailed: (error) => redis.heartbeatFailed(error) },
      clock: () => time.now,
      now: () => time.now,
    });
  }

  /** Runs as this node. */
  start(): void {
    this.#parts.redis.start(this.agent);
  }

  stop(): void {
    this.#parts.redis.stop();
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
}
