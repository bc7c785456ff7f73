import type { Agent } from "../../src/agent/agent.ts";
import type { Bus } from "../../src/agent/ports.ts";
import type { App } from "../../src/app/app.ts";
import type { Link } from "./link.ts";
import type { NodeRedis } from "./node.ts";
import type { Random } from "./random.ts";
import { runOf, type SimulatedRedis, type Subscriber } from "./redis.ts";
import type { Version } from "./table.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** As src/soketi/attach.ts has it. Milliseconds. */
const HEARTBEAT_LIMIT_MS = 1_000;

/** A subscription that says nothing is given up after this. Milliseconds. */
const SILENCE_MS = 1_500;

/** A subscription may stay with a master that is none any more for as long as this. Milliseconds. */
const DEMOTED_MS = 10_000;

export interface BusConnectionParts {
  readonly name: string;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly link: Link;
  readonly redis: SimulatedRedis;
}

/** A node's way to a Redis that is a model of what the agent's port sees of it. */
export class BusConnection implements NodeRedis {
  readonly bus: Bus;
  readonly #parts: BusConnectionParts;
  #agent: Agent<App> | undefined;
  #subscriber: Subscriber | undefined;
  #lastDelivery = 0;

  constructor(parts: BusConnectionParts) {
    this.#parts = parts;
    const { link, redis } = parts;
    this.bus = {
      heartbeat: () => link.call(() => redis.heartbeat(), HEARTBEAT_LIMIT_MS),
      read: (after, last) => link.call(() => redis.read(after, last), HEARTBEAT_LIMIT_MS),
      resubscribe: () => {
        if (this.#subscriber) this.#lost(this.#subscriber, false);
      },
    };
  }

  heartbeatFailed(): void {
    // Each call of the model is a connection of its own.
  }

  start(agent: Agent<App>): void {
    this.#agent = agent;
    agent.start();
    this.#connect();
  }

  stop(): void {
    if (this.#subscriber) this.#parts.redis.subscribers.delete(this.#subscriber);
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
        if (this.#subscriber === subscriber) void this.#agent?.subscribed(runOf(subscriber.server));
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
      if (this.#agent?.follower.state !== "down")
        for (const { arrivedAt } of tells) if (!arrivedAt.has(name)) arrivedAt.set(name, time.now);
      this.#agent?.follower.onLive(payload);
    };
    time.after(at - time.now, arrive, name);
  }

  #lost(subscriber: Subscriber, silently: boolean, silentForMs = SILENCE_MS): void {
    const { redis, time, name, random } = this.#parts;
    redis.subscribers.delete(subscriber);
    const noticed = () => {
      if (this.#subscriber !== subscriber) return;
      this.#drop(subscriber);
      this.#agent?.follower.onLost();
      this.#connect();
    };
    time.after(silently ? random.between(500, silentForMs) : random.between(0, 5), noticed, name);
  }

  #drop(subscriber: Subscriber): void {
    this.#parts.redis.subscribers.delete(subscriber);
    if (this.#subscriber === subscriber) this.#subscriber = undefined;
  }
}
