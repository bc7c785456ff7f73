import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisBusDriver } from "bentocache/drivers/redis";
import { Redis } from "ioredis";
import { performance } from "node:perf_hooks";
import { ioredis } from "../../src/redis/ioredis.ts";
import { type ConnectionOptions, openRedis } from "../../src/redis/connection.ts";
import { createRedisBus } from "../../src/redis/bus.ts";
import { createRedisLog } from "../../src/redis/log.ts";
import { openSubscriber } from "../../src/redis/subscriber.ts";
import { subscribe } from "../../src/redis/subscription.ts";
import { Lease } from "../../src/agent/lease.ts";
import { LogFollower } from "../../src/agent/log-follower.ts";
import { encodeChanges } from "../../src/protocol/encode.ts";
import type { Change } from "../../src/protocol/message.ts";
import { busNames } from "../../src/protocol/names.ts";

/** A way to tell everybody that an app has changed. */
export interface Way {
  /** Hears of app number n. Resolves once nothing that is published from now on is missed. */
  subscribe(port: number, heard: (n: number) => void): Promise<Subscriber>;
  publisher(port: number): Promise<{ publish(n: number): Promise<void> }>;
}

export interface Subscriber {
  /** Whether what it does besides listening goes on: only while its way is measured. */
  activate(active: boolean): void;
}

export const NAMES = busNames("{bench-bus}");
const TIMEOUTS = { connectMs: 10_000, commandMs: 10_000, retriesPerCommand: 0 };
const HEARTBEAT_MS = 1_000;
/** A server of this machine, for `openRedis`. */
export const connectionTo = (port: number): ConnectionOptions => ({
  library: ioredis,
  settings: { kind: "standalone", host: "127.0.0.1", port, db: 0, tls: false },
  timeouts: TIMEOUTS,
  // The command that fails for it says so, and a connection that was cut is made anew.
  onError: () => undefined,
});
const appIdOf = (n: number) => `app-${n}`;
const numberOf = (appId: string) => Number(appId.slice("app-".length));

/** With a view, as the pipeline sends it. */
export function change(n: number): Change {
  const appId = appIdOf(n);
  const limits = {
    maxConnections: n,
    maxBackendEventsPerSecond: -1,
    maxClientEventsPerSecond: -1,
    maxReadRequestsPerSecond: -1,
  };
  const webhook = {
    origin: "https://hooks.example.com",
    eventTypes: ["channel_occupied", "channel_vacated"],
  };
  const app = {
    id: appId,
    key: `${appId}-key`,
    enabled: true,
    enableClientMessages: false,
    enableUserAuthentication: false,
    limits,
    webhooks: [webhook],
  };
  return {
    appId,
    type: "updated",
    keys: [`${appId}-key`],
    changed: ["limits.maxConnections"],
    writtenAt: 1_700_000_000_000,
    app: app as unknown as NonNullable<Change["app"]>,
  };
}

/** The agent's own follower: log, replay and heartbeat included. */
const ours: Way = {
  async subscribe(port, heard) {
    const commands = openRedis(connectionTo(port));
    // One that fails is followed by the next, as in the agent.
    const beat = () => void follower.heartbeat().catch(() => undefined);
    const follower: LogFollower = new LogFollower({
      bus: createRedisBus(commands, NAMES, {
        node: `${process.pid}-${Math.random()}`,
        entry: () => "{}",
        limitMs: 10_000,
        resubscribe: () => undefined,
        onAnonymous: (error) => {
          throw error;
        },
      }),
      target: {
        apply: ({ changes }) => {
          for (const { appId } of changes) heard(numberOf(appId));
        },
        flush: () => undefined,
      },
      clock: () => performance.now(),
      lease: new Lease({ clock: () => performance.now(), leaseMs: 3_000 }),
      onGap: beat,
    });
    await new Promise<void>((resolve, reject) => {
      subscribe({
        open: (attempt) => openSubscriber(connectionTo(port), commands, attempt),
        channels: [NAMES.live],
        checkEveryMs: TIMEOUTS.commandMs,
        subscribed: () => void follower.onSubscribed().then(resolve, reject),
        lost: () => follower.onLost(),
        message: (payload) => follower.onLive(payload),
        // A connection that is cut is made anew.
        failed: () => undefined,
      });
    });
    let timer: NodeJS.Timeout | undefined;
    return {
      activate(active) {
        clearTimeout(timer);
        if (!active) return;
        // Nodes do not beat all at once.
        timer = setTimeout(() => {
          timer = setInterval(beat, HEARTBEAT_MS);
        }, Math.random() * HEARTBEAT_MS);
      },
    };
  },
  publisher(port) {
    const log = createRedisLog(openRedis(connectionTo(port)), NAMES, {
      logLength: 10_000,
      logBytes: 2 ** 25,
    });
    return Promise.resolve({
      async publish(n: number) {
        await log.append(encodeChanges([change(n)], { table: "apps", region: "eu-west-1", at: Date.now() }));
      },
    });
  },
};

/** What one would write in five minutes: the app's id, and nothing else. */
const bare: Way = {
  async subscribe(port, heard) {
    const redis = new Redis({ port });
    redis.on("message", (_channel, payload) =>
      heard(numberOf((JSON.parse(payload) as { appId: string }).appId)),
    );
    redis.on("error", () => undefined);
    await redis.subscribe("bench-bare");
    return { activate: () => undefined };
  },
  publisher(port) {
    const redis = new Redis({ port });
    return Promise.resolve({
      async publish(n: number) {
        await redis.publish("bench-bare", JSON.stringify({ appId: appIdOf(n) }));
      },
    });
  },
};

function bento(port: number) {
  const store = bentostore()
    .useL1Layer(memoryDriver({ maxItems: 1_000 }))
    .useBus(redisBusDriver({ connection: { host: "127.0.0.1", port } }));
  return new BentoCache({ default: "apps", stores: { apps: store } });
}

const bentocache: Way = {
  async subscribe(port, heard) {
    const cache = bento(port);
    cache.on("bus:message:received", ({ message }) => {
      for (const key of message.keys) heard(numberOf(key));
    });
    // It connects and subscribes with its first use, and tells nobody when it has.
    await cache.set({ key: "unused", value: 1 });
    return { activate: () => undefined };
  },
  async publisher(port) {
    const cache = bento(port);
    await cache.set({ key: "unused", value: 1 });
    return {
      async publish(n) {
        await cache.delete({ key: appIdOf(n) });
      },
    };
  },
};

export const WAYS = { "soketi-app-sync": ours, "bare PUBLISH": bare, BentoCache: bentocache } as const;
export type WayName = keyof typeof WAYS;
export const WAY_NAMES = Object.keys(WAYS) as WayName[];
