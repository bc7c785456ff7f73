import type { AgentSettings } from "../../src/agent/agent-options.ts";
import { DEFAULT_CLOSE_CODES, DEFAULT_CLOSE_ON } from "../../src/agent/close-causes.ts";
import { type DynamoDbWeather, FAIR, MAX_INDEX_LAG_MS } from "./dynamodb.ts";
import { BusSurroundings } from "./bus-surroundings.ts";
import { type LambdaWeather, PUNCTUAL } from "./lambda.ts";
import { SimulatedNode } from "./node.ts";
import { Oracle } from "./oracle.ts";
import { Random } from "./random.ts";
import type { Side } from "./servers/deployment.ts";
import { ServersSurroundings } from "./servers/surroundings.ts";
import { END, FAULTS_UNTIL, type Story, type StoryEvent, type WriteKind } from "./story.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Attributes, keyOf, SimulatedTable } from "./table.ts";
import { VirtualTime, WORLD } from "./virtual-time.ts";

export interface Verdict {
  readonly violations: readonly string[];
  readonly answers: number;
  /** Lookups that the caches answered by themselves, and all of them. */
  readonly hits: number;
  readonly lookups: number;
  readonly flushes: number;
  readonly replays: number;
}

/** Of calm stories: at least so many lookups are answered from the cache, or it is not worth having. */
const HIT_RATIO_FLOOR = 0.5;

export interface SimulateOptions {
  /** Ends with the first violation. Default: runs to the end, and finds all. */
  readonly untilViolated?: boolean;
}

/** Runs the real agent and pipeline through a story. */
export async function simulateStory(
  story: Story,
  { untilViolated = false }: SimulateOptions = {},
): Promise<Verdict> {
  const world = new World(story);
  const restore = world.time.install(() => world.dice.next());
  try {
    return await world.run(untilViolated);
  } finally {
    restore();
  }
}

/** Milliseconds. */
const CHECK_CONNECTIONS_MS = 250;

/** A node that reaches the new primary has left the former one by then, and has a lease. Milliseconds after the promotion. */
const LEASED_AGAIN_MS = 6_000;

class World {
  readonly time = new VirtualTime();
  readonly dice: Random;
  readonly #story: Story;
  readonly #settings: AgentSettings;
  readonly #table = new SimulatedTable(() => this.time.now);
  readonly #weather: DynamoDbWeather = { ...FAIR };
  readonly #lambda: LambdaWeather = { ...PUNCTUAL };
  readonly #surroundings: Surroundings;
  readonly #nodes: (SimulatedNode | undefined)[] = [];
  readonly #oracle: Oracle;
  readonly #attributes = new Map<string, Attributes>();
  readonly #formerKeys = new Map<string, string[]>();
  readonly #totals = { hits: 0, lookups: 0, flushes: 0, replays: 0 };
  #incarnation = 0;

  constructor(story: Story) {
    this.#story = story;
    this.dice = new Random(`dice ${story.seed}`);
    this.#settings = {
      leaseMs: 3_000,
      heartbeatMs: 1_000,
      limits: {
        degradedTtlMs: 5_000,
        maxStaleOnErrorMs: 8_000,
        loadBudgetMs: 5_000,
        missingKeyTtlMs: 1_000,
        maxEntries: story.maxEntries,
      },
      reloadJitterMs: 50,
      verifyEveryMs: story.verifier ? 1_000 : 0,
      readsPerSecond: 100,
      fleetReadsPerSecond: 2_000,
      closeOn: DEFAULT_CLOSE_ON,
      closeCodes: DEFAULT_CLOSE_CODES,
      closesPerSecond: 1_000,
    };
    this.#oracle = new Oracle(this.#table, this.#settings, story);
    const { time } = this;
    const violated = (what: string) => this.#oracle.violated(what, time.now);
    const parts = { time, story, settings: this.#settings, lambda: this.#lambda, violated };
    this.#surroundings = story.servers ? new ServersSurroundings(parts) : new BusSurroundings(parts);
  }

  async run(untilViolated: boolean): Promise<Verdict> {
    for (let i = 0; i < this.#story.nodes; i += 1) this.#startNode(i);
    for (const event of this.#story.events)
      this.time.after(
        event.at,
        () => {
          this.#happen(event);
        },
        WORLD,
      );
    this.#expectLeases();
    for (let at = CHECK_CONNECTIONS_MS; at < END; at += CHECK_CONNECTIONS_MS)
      this.time.after(at, () => this.#checkConnections(), WORLD);
    const isOver = () => untilViolated && this.#oracle.violations.length > 0;
    await this.time.runUntil(END, isOver);
    if (!isOver()) await this.#checkSettled();
    for (const node of this.#nodes) if (node) this.#count(node);
    const { hits, lookups } = this.#totals;
    // A cache that is too small for the apps cannot be expected to hit.
    const useful = this.#story.calm && this.#story.maxEntries >= this.#story.apps;
    if (useful && hits < lookups * HIT_RATIO_FLOOR)
      this.#oracle.violated(
        `use: expected at least ${HIT_RATIO_FLOOR} of ${lookups} lookups to be hits, found ${hits}`,
        END,
      );
    return { violations: this.#oracle.violations, answers: this.#oracle.answers, ...this.#totals };
  }

  #startNode(i: number): void {
    this.#incarnation += 1;
    const { seed } = this.#story;
    const name = `${i}.${this.#incarnation}`;
    const random = new Random(`node ${name} ${seed}`);
    const node = new SimulatedNode({
      name,
      time: this.time,
      random,
      redis: this.#surroundings.connect(i, name, random),
      table: this.#table,
      weather: this.#weather,
      settings: this.#settings,
    });
    this.#nodes[i] = node;
    this.time.after(
      random.between(0, 100),
      () => {
        node.start();
      },
      name,
    );
  }

  #stopNode(i: number): void {
    const node = this.#nodes[i];
    if (!node) return;
    this.#count(node);
    node.stop();
    this.#nodes[i] = undefined;
  }

  #count({ agent }: SimulatedNode): void {
    const { hits, misses } = agent.cache.stats;
    this.#totals.hits += hits;
    this.#totals.lookups += hits + misses;
    this.#totals.replays += agent.follower.stats.replays;
    for (const count of agent.flushes.values()) this.#totals.flushes += count;
  }

  #happen(event: StoryEvent): void {
    const later = (until: number, run: () => void) => this.time.after(until - this.time.now, run, WORLD);
    switch (event.kind) {
      case "write":
        this.#write(event.app, event.how);
        return;
      case "lookup":
        this.#ask(event);
        return;
      case "node": {
        const node = this.#nodes[event.node];
        if (!node) return;
        if (event.how === "paused") {
          this.time.pause(node.name);
          later(event.until, () => {
            this.time.resume(node.name);
            node.awakeSince = this.time.now;
          });
        } else {
          this.#stopNode(event.node);
          later(event.until, () => {
            if (!this.#nodes[event.node]) this.#startNode(event.node);
          });
        }
        return;
      }
      case "table-failing":
        this.#weather.failures = 0.7;
        later(event.until, () => {
          this.#weather.failures = 0;
        });
        return;
      case "table-down":
        this.#weather.failures = 1;
        later(event.until, () => {
          this.#weather.failures = 0;
        });
        return;
      case "table-slow":
        this.#weather.latency = [10, 900];
        later(event.until, () => {
          this.#weather.latency = FAIR.latency;
        });
        return;
      case "index-lagging":
        this.#weather.indexLag = [0, MAX_INDEX_LAG_MS];
        later(event.until, () => {
          this.#weather.indexLag = FAIR.indexLag;
        });
        return;
      case "function-killed":
        this.#lambda.killed = 0.4;
        this.#lambda.answerLost = 0.3;
        later(event.until, () => {
          Object.assign(this.#lambda, { killed: 0, answerLost: 0 });
        });
        return;
      case "function-fast":
        this.#lambda.delay = [1, 10];
        later(event.until, () => {
          this.#lambda.delay = PUNCTUAL.delay;
        });
        return;
      case "function-slow":
        this.#lambda.delay = [500, 4_000];
        later(event.until, () => {
          this.#lambda.delay = PUNCTUAL.delay;
        });
        return;
      default:
        this.#surroundings.happen(event);
    }
  }

  #write(app: number, how: WriteKind): void {
    const id = `app-${app}`;
    const now = this.#attributes.get(id);
    const version = this.#table.current(id).number + 1;
    // Two apps with one key are a mistake of the table's owner: who gets it is anybody's guess.
    const taken = this.#table.holderOf(`key-${app}`) !== undefined;
    const fresh = {
      key: taken ? `key-${app}-${version}` : `key-${app}`,
      secret: `secret-${app}-${version}`,
      enabled: true,
    };
    const next = now ? this.#changed(id, now, how, version) : fresh;
    if (now && next?.key !== now.key)
      this.#formerKeys.set(id, [...(this.#formerKeys.get(id) ?? []), now.key]);
    if (next) this.#attributes.set(id, next);
    else this.#attributes.delete(id);
    const { before, after } = this.#table.write(id, next);
    const { shards } = this.#surroundings;
    shards[app % shards.length]?.write(before, after);
  }

  #changed(id: string, now: Attributes, how: WriteKind, version: number): Attributes | undefined {
    switch (how) {
      case "update":
        return now;
      case "rotate-secret":
        return { ...now, secret: `${id}-secret-${version}` };
      case "toggle":
        return { ...now, enabled: !now.enabled };
      case "rekey":
        return { ...now, key: `${id}-key-${version}` };
      case "delete-or-create":
        return undefined;
      case "take-key": {
        // One that another app has left, while nobody else has it.
        const free = [...this.#formerKeys].filter(([other]) => other !== id).map(([, keys]) => keys.at(-1));
        const key = free.find((one) => one !== undefined && this.#table.holderOf(one) === undefined);
        return key === undefined ? now : { ...now, key };
      }
    }
  }

  #ask({ node: i, app, by, connect }: Extract<StoryEvent, { kind: "lookup" }>): void {
    const node = this.#nodes[i];
    if (!node) return;
    const id = `app-${app}`;
    const key = by === "former-key" ? this.#formerKeys.get(id)?.at(-1) : keyOf(this.#table.current(id));
    const asked = by === "id" || key === undefined ? { id } : { key };
    // As an event of the node: a paused one is asked when it wakes.
    this.time.after(
      0,
      () => {
        void this.#askNow(node, asked, connect && "key" in asked);
      },
      node.name,
    );
  }

  async #askNow(
    node: SimulatedNode,
    asked: { id: string } | { key: string },
    connect: boolean,
  ): Promise<void> {
    const askedAt = this.time.now;
    const { cache } = node.agent;
    let isUnreadable = false;
    const onUnreadable = () => {
      isUnreadable = true;
    };
    const app = await ("id" in asked
      ? cache.findById(asked.id, onUnreadable)
      : cache.findByKey(asked.key, onUnreadable));
    this.#oracle.check({ node, asked, app, isUnreadable, askedAt, answeredAt: this.time.now });
    if (connect && app) node.accept(app);
  }

  /** Faults are long over, and everything is published: now all must be as the table says. */
  async #checkSettled(): Promise<void> {
    if (this.#surroundings.shards.some((shard) => !shard.isEmpty))
      this.#oracle.violated("P7: records are left in the stream", END);
    for (const version of this.#table.ids().flatMap((id) => this.#table.history(id)))
      if (version.number > 0 && version.publishedAt === undefined)
        this.#oracle.violated(`P7: version ${version.number} of ${version.appId} was never published`, END);
    for (const node of this.#nodes) {
      if (!node) continue;
      const { follower, leaseHeld } = node.agent;
      // A server that does not say who it is proves nothing.
      if (follower.state !== "following" || leaseHeld === (this.#story.servers?.form === "anonymous"))
        this.#oracle.violated(
          `liveness: node ${node.name} ${leaseHeld ? "has a lease of nobody" : "has no lease"}, ${(END - FAULTS_UNTIL) / 1000} s after the last fault`,
          END,
        );
      this.#checkClients(node);
      for (const id of this.#table.ids()) {
        const keys = [keyOf(this.#table.current(id)), ...(this.#formerKeys.get(id) ?? [])].filter(
          (key) => key !== undefined,
        );
        for (const asked of [{ id }, ...keys.map((key) => ({ key }))])
          this.time.after(
            0,
            () => {
              void this.#askSettled(node, asked);
            },
            node.name,
          );
      }
    }
    await this.time.runUntil(END + 2_000);
  }

  async #askSettled(node: SimulatedNode, asked: { id: string } | { key: string }): Promise<void> {
    const askedAt = this.time.now;
    const { cache } = node.agent;
    const app = await ("id" in asked ? cache.findById(asked.id) : cache.findByKey(asked.key));
    this.#oracle.checkSettled({ node, asked, app, isUnreadable: false, askedAt, answeredAt: this.time.now });
  }

  #checkConnections(): void {
    for (const node of this.#nodes) {
      if (!node || this.time.isPaused(node.name)) continue;
      for (const [id, clients] of node.clients)
        for (const { app } of clients)
          this.#oracle.checkConnection(node, id, app.limits.maxConnections, this.time.now);
    }
  }

  /** Before a partition ends, where nothing else is broken: each node has a lease if it reaches the primary, and only then. */
  #expectLeases(): void {
    const { events } = this.#story;
    const partition = events.find((event) => event.kind === "partition");
    if (!partition || events.some(({ kind }) => kind === "unreachable")) return;
    const { promotedAt, heardMs, until, nodes } = partition;
    const at = until - 100;
    if (at < promotedAt + heardMs + LEASED_AGAIN_MS) return;
    const check = (node: SimulatedNode, side: Side) => {
      const { leaseHeld } = node.agent;
      if (leaseHeld && side === "former")
        this.#oracle.violated(`P10: node ${node.name} has a lease of the former primary`, at);
      if (!leaseHeld && side !== "former")
        this.#oracle.violated(`liveness: node ${node.name} reaches the primary and has no lease`, at);
    };
    const checkAll = () => {
      for (const [i, side] of nodes.entries()) {
        const node = this.#nodes[i];
        if (node) check(node, side);
      }
    };
    this.time.after(at, checkAll, WORLD);
  }

  /** P5: open connections are to apps that are there, enabled, under this key; and have them as they are. */
  #checkClients(node: SimulatedNode): void {
    for (const [id, clients] of node.clients) {
      const current = this.#table.current(id);
      for (const { key, app } of clients) {
        if (keyOf(current) !== key)
          this.#oracle.violated(
            `P5: node ${node.name} has a connection by ${key} to ${id}, whose key is ${keyOf(current) ?? "none"}`,
            END,
          );
        else if (!this.#attributes.get(id)?.enabled)
          this.#oracle.violated(`P5: node ${node.name} has a connection to ${id}, which is disabled`, END);
        else if (app.limits.maxConnections !== current.number)
          this.#oracle.violated(
            `P5: node ${node.name} has a connection to version ${app.limits.maxConnections} of ${id}, which is at ${current.number}`,
            END,
          );
      }
    }
  }
}
