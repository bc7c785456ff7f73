import { BusConnection } from "./bus-connection.ts";
import { SimulatedShard } from "./lambda.ts";
import { Link } from "./link.ts";
import type { NodeRedis } from "./node.ts";
import { Random } from "./random.ts";
import { SimulatedRedis } from "./redis.ts";
import type { StoryEvent } from "./story.ts";
import type { Surroundings, SurroundingsParts } from "./surroundings.ts";
import { type VirtualTime, WORLD } from "./virtual-time.ts";

/** Redis as the agent's and the pipeline's ports see it: a model, which is fast. */
export class BusSurroundings implements Surroundings {
  readonly shards: SimulatedShard[];
  readonly #time: VirtualTime;
  readonly #redis: SimulatedRedis;
  readonly #functionLink: Link;
  readonly #links: Link[] = [];
  readonly #connections: BusConnection[] = [];

  constructor({ time, story, lambda }: SurroundingsParts) {
    this.#time = time;
    const redisDice = new Random(`redis ${story.seed}`);
    this.#redis = new SimulatedRedis(time, () => redisDice.next(), story.logLength);
    this.#functionLink = new Link(time, new Random(`function ${story.seed}`), WORLD);
    const create = (i: number) =>
      new SimulatedShard(
        time,
        new Random(`shard ${i} ${story.seed}`),
        this.#functionLink,
        this.#redis,
        lambda,
      );
    this.shards = Array.from({ length: story.shards }, (_, i) => create(i));
  }

  connect(i: number, name: string, random: Random): NodeRedis {
    const link = new Link(this.#time, random, name);
    link.state = this.#links[i]?.state ?? "up";
    this.#links[i] = link;
    const connection = new BusConnection({ name, time: this.#time, random, link, redis: this.#redis });
    this.#connections[i] = connection;
    return connection;
  }

  happen(event: StoryEvent): void {
    const later = (until: number, run: () => void) => this.#time.after(until - this.#time.now, run, WORLD);
    switch (event.kind) {
      case "link":
        this.#breakLink(event);
        return;
      case "redis-down":
        this.#redis.up = false;
        later(event.until, () => {
          this.#redis.up = true;
        });
        return;
      case "redis-full":
        this.#redis.refusesWrites = true;
        later(event.until, () => {
          this.#redis.refusesWrites = false;
        });
        return;
      case "redis-restart":
        this.#redis.up = false;
        this.#redis.restart(event.empty);
        later(event.until, () => {
          this.#redis.up = true;
        });
        return;
      case "failover":
        this.#redis.failover(event.missing, event.silently);
        return;
      case "log-deleted":
        this.#redis.deleteLog();
        return;
      case "garbage-published":
        this.#redis.publishGarbage();
        return;
      case "lossy-channel":
        this.#redis.loss = 0.5;
        later(event.until, () => {
          this.#redis.loss = 0;
        });
        return;
      default:
        throw new Error(`expected what can happen to the model, found ${event.kind}`);
    }
  }

  #breakLink({ node: which, state, until }: Extract<StoryEvent, { kind: "link" }>): void {
    const link = which === "function" ? this.#functionLink : this.#links[which];
    if (!link) return;
    if (state === "slow") link.latency = [50, 900];
    else link.state = state;
    if (which !== "function" && state !== "slow") this.#connections[which]?.linkBroke();
    this.#time.after(
      until - this.#time.now,
      () => {
        // A node that was started meanwhile has another link, and the same network.
        const now = which === "function" ? this.#functionLink : this.#links[which];
        if (now) Object.assign(now, { state: "up", latency: [0.1, 2] });
      },
      WORLD,
    );
  }
}
