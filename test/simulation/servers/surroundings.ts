import type { AgentSettings } from "../../../src/agent/agent-options.ts";
import type { Agent } from "../../../src/agent/agent.ts";
import type { App } from "../../../src/app/app.ts";
import type { PipelineConfig } from "../../../src/config/pipeline.ts";
import { busNames } from "../../../src/protocol/names.ts";
import { type AgentLink, openAgentLink } from "../../../src/redis/agent-link.ts";
import type { NodeRedis } from "../node.ts";
import { Random } from "../random.ts";
import type { Servers, Story, StoryEvent } from "../story.ts";
import type { Surroundings, SurroundingsParts } from "../surroundings.ts";
import type { Version } from "../table.ts";
import { type VirtualTime, WORLD } from "../virtual-time.ts";
import { Deployment, unreachableFrom } from "./deployment.ts";
import type { Invocation } from "./function.ts";
import { createLibrary } from "./library.ts";
import { Link, type PlaceState } from "./link.ts";
import { Reader } from "./reader.ts";
import type { SimulatedServer } from "./server.ts";
import { SharedCacheWatch } from "./shared-cache-watch.ts";
import { SimulatedShard } from "./shard.ts";

const NAMES = busNames("{app-sync:apps}");
const IDENTITY = { agent: "simulated", soketi: "simulated", leaseMs: 3_000, degradedTtlMs: 5_000 };

/** Latency of one way, in milliseconds: from, to. Far is just near enough for a function, which takes a longer silence for a death. */
const NEAR_MS = [0.1, 2] as const;
const FAR_MS = [150, 240] as const;

/** Redis servers and sentinels, and all of the product that speaks to them, scripts included. */
export class ServersSurroundings implements Surroundings {
  readonly shards: SimulatedShard[];
  readonly #time: VirtualTime;
  readonly #story: Story;
  readonly #settings: AgentSettings;
  readonly #deployment: Deployment;
  readonly #functionLink: Link;
  readonly #links: Link[] = [];
  /** By what goes over the channel for a message, after its id. */
  readonly #invocations = new Map<string, Invocation>();
  readonly #tells = new Map<string, readonly Version[]>();

  constructor(parts: SurroundingsParts) {
    const { time, story, settings, violated } = parts;
    this.#time = time;
    this.#story = story;
    this.#settings = settings;
    const cacheWatch = new SharedCacheWatch(violated);
    this.#deployment = new Deployment({
      time,
      random: new Random(`redis ${story.seed}`),
      form: serversOf(story).form,
      names: NAMES,
      watch: {
        published: (payload, server) => this.#published(payload, server),
        ran: (server, keys, args) => cacheWatch.ran(server, keys, args),
      },
    });
    this.#functionLink = new Link(time, new Random(`function ${story.seed}`));
    this.shards = Array.from({ length: story.shards }, (_, i) => this.#createShard(i, parts));
    if (serversOf(story).reader) this.#createReader(violated);
  }

  connect(i: number, name: string, random: Random): NodeRedis {
    const link = new Link(this.#time, random);
    link.state = this.#links[i]?.state ?? "up";
    this.#links[i] = link;
    const process = { time: this.#time, owner: name, link };
    const redis = openAgentLink({
      library: createLibrary({ process, resolve: this.#deployment.resolve, onSent: () => undefined }),
      settings: this.#deployment.settings,
      names: NAMES,
      heartbeatMs: this.#settings.heartbeatMs,
      minReplicas: this.#deployment.minReplicas,
      identity: IDENTITY,
      holds: () => null,
      onError: () => undefined,
    });
    return {
      bus: redis.bus,
      heartbeatFailed: redis.heartbeatFailed,
      start: (agent) => this.#start(redis, agent, name),
      stop: () => link.dropAll(),
    };
  }

  happen(event: StoryEvent): void {
    const { primary } = this.#deployment;
    switch (event.kind) {
      case "link":
        this.#breakLink(event);
        return;
      case "redis-down":
        this.#deployment.away(event.until);
        return;
      case "redis-full":
        this.#deployment.full(event.until);
        return;
      case "redis-restart":
        this.#deployment.restart(event.empty, event.until);
        return;
      case "failover":
        this.#deployment.failover(event.missing, event.silently);
        return;
      case "split":
        this.#deployment.split(event);
        return;
      case "flap":
        this.#deployment.flap(event.forMs);
        return;
      case "function-far":
        this.#functionLink.latency = FAR_MS;
        this.#time.after(event.until - this.#time.now, () => (this.#functionLink.latency = NEAR_MS), WORLD);
        return;
      case "partition": {
        this.#deployment.partition(event);
        const sides = [...event.nodes.entries(), ["function", event.function] as const];
        for (const [who, side] of sides)
          this.#cutOff(who, unreachableFrom(side, event.sentinel), "silent", event.until);
        return;
      }
      case "unreachable":
        this.#cutOff(event.who, event.hosts, event.state, event.until);
        return;
      case "replicas-cut":
        this.#deployment.cutReplicas(event.until);
        return;
      case "all-agree":
        this.#deployment.reconfigure();
        return;
      case "log-deleted":
        primary.tamper((keys) => void keys.run("DEL", [NAMES.log], 0));
        return;
      case "log-end-forgotten":
        primary.tamper((keys) => void keys.run("DEL", [NAMES.last], 0));
        return;
      case "older-append":
        this.#deployment.appendAsBefore();
        return;
      case "garbage-published":
        primary.publish(NAMES.live, "not a message");
        return;
      case "lossy-channel":
        this.#deployment.lossy(event.until);
        return;
      case "function-frozen":
        for (const shard of this.shards) shard.freeze(event.until);
        return;
      default:
        throw new Error(`expected what can happen to servers, found ${event.kind}`);
    }
  }

  get #config(): PipelineConfig {
    return {
      redis: this.#deployment.settings,
      names: NAMES,
      table: "apps",
      logLength: this.#story.logLength,
      logBytes: 32 * 2 ** 20,
      minReplicas: this.#deployment.minReplicas,
      sharedCache: serversOf(this.#story).sharedCache
        ? { mode: "refresh", soketi: { keyPrefix: "", ttlSeconds: -1 } }
        : undefined,
    };
  }

  #createReader(violated: (what: string) => void): void {
    const link = new Link(this.#time, new Random(`reader ${this.#story.seed}`));
    const deployment = this.#deployment;
    new Reader({ time: this.#time, link, config: this.#config, deployment, violated });
  }

  #createShard(i: number, { time, lambda, violated }: SurroundingsParts): SimulatedShard {
    const { seed } = this.#story;
    const { form } = serversOf(this.#story);
    return new SimulatedShard({
      name: `function ${i}`,
      time,
      random: new Random(`shard ${i} ${seed}`),
      link: this.#functionLink,
      config: this.#config,
      resolve: this.#deployment.resolve,
      invocations: this.#invocations,
      onLate: (what) => violated(`late: ${what}`),
      weather: lambda,
      // A replica that answers one server may leave it, and answer another then: both of it together prove something.
      publishedAt: (invocation) => {
        if (form === "sentinel") this.#checkTaken(invocation, violated);
        const { takenAt = time.now } = invocation;
        return form === "replicated" ? time.now : takenAt;
      },
    });
  }

  /** P7: a batch counts only on a server that the sentinels have named the primary since it has it. */
  #checkTaken({ takenBy, tells }: Invocation, violated: (what: string) => void): void {
    const isKept = [...takenBy].some(([server, at]) => this.#deployment.wasNamed(server, at));
    if (takenBy.size === 0 || isKept) return;
    const versions = tells.map(({ appId, number }) => `version ${number} of ${appId}`).join(", ");
    violated(`P7: ${versions} counted on a server that had been replaced before it took it`);
  }

  /** A server has taken a message, whether or not that counts. */
  #published(payload: string, server: SimulatedServer): void {
    const live = liveOf(payload);
    const invocation = this.#invocations.get(live);
    if (!invocation) return;
    invocation.takenAt = this.#time.now;
    invocation.takenBy.set(server, this.#time.now);
    this.#tells.set(live, invocation.tells);
  }

  #start(redis: AgentLink, agent: Agent<App>, name: string): void {
    const arrived = (payload: string) => {
      for (const { arrivedAt } of this.#tells.get(liveOf(payload)) ?? [])
        if (!arrivedAt.has(name)) arrivedAt.set(name, this.#time.now);
    };
    redis.start({
      follower: {
        onLive(payload) {
          if (agent.follower.state !== "down") arrived(payload);
          agent.follower.onLive(payload);
        },
        onLost: () => agent.follower.onLost(),
      },
      recent: agent.recent,
      recentFlushes: agent.recentFlushes,
      lastTail: undefined,
      status: () => agent.status(),
      subscribed: (run) => agent.subscribed(run),
      start: () => agent.start(),
      stop: () => agent.stop(),
    });
  }

  /** Of a node that is started meanwhile nothing is cut off. */
  #cutOff(who: number | "function", hosts: readonly string[], state: PlaceState, until: number): void {
    const link = who === "function" ? this.#functionLink : this.#links[who];
    if (!link || hosts.length === 0) return;
    link.cutOff(hosts, state);
    this.#time.after(until - this.#time.now, () => link.reachAgain(hosts), WORLD);
  }

  #breakLink({ node, state, until }: Extract<StoryEvent, { kind: "link" }>): void {
    // A node that is started meanwhile has another link, and the same network.
    const link = () => (node === "function" ? this.#functionLink : this.#links[node]);
    const broken = link();
    if (!broken) return;
    if (state === "slow") broken.latency = [50, 900];
    else broken.state = state;
    const repair = () => {
      const now = link();
      if (!now) return;
      now.latency = NEAR_MS;
      now.state = "up";
    };
    this.#time.after(until - this.#time.now, repair, WORLD);
  }
}

function liveOf(payload: string): string {
  return payload.slice(payload.indexOf(" ") + 1);
}

function serversOf({ servers }: Story): Servers {
  if (!servers) throw new Error("expected a story on servers, found one without");
  return servers;
}
