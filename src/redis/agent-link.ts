import { randomInt, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Bus } from "../agent/ports.ts";
import type { RedisSettings } from "../config/redis.ts";
import type { BusNames } from "../protocol/names.ts";
import type {
  Answer,
  CachedEntry,
  NodeEntry,
  NodeStatus,
  PreviousSecretUse,
  Question,
  RecentFlush,
  RecentMessage,
} from "../protocol/node.ts";
import type { RedisTimeouts } from "./client-options.ts";
import { openRedis, reconnect } from "./connection.ts";
import { RedisError } from "./errors.ts";
import type { RedisLibrary } from "./library.ts";
import { openSubscriber } from "./subscriber.ts";
import { createAnswering } from "./answers.ts";
import { createRedisBus } from "./bus.ts";
import { subscribe, type Subscription } from "./subscription.ts";
import { NO_MAJORITY } from "./vouched.ts";
import { openWitnesses } from "./witnesses.ts";

/** The part of an agent that its link to Redis feeds and asks. */
export interface LinkedAgent {
  readonly follower: { onLive(payload: string): void; onLost(): void };
  readonly recent: { list(): readonly RecentMessage[] };
  readonly recentFlushes: { list(): readonly RecentFlush[] };
  readonly lastTail: { readonly server: string | undefined } | undefined;
  status(): NodeStatus;
  subscribed(run: string | undefined): Promise<void>;
  start(): void;
  stop(): void;
}

export interface AgentLinkOptions {
  readonly library: RedisLibrary;
  readonly settings: RedisSettings;
  readonly names: BusNames;
  /** Milliseconds; also how long Redis may take to answer. */
  readonly heartbeatMs: number;
  /** How many replicas must have a heartbeat before it counts. */
  readonly minReplicas: number;
  /** Who this is, in the registry. */
  readonly identity: Omit<NodeEntry, "host" | "pid" | keyof NodeStatus>;
  /** What is held of an app, for tools that ask. */
  readonly holds: (appId: string) => CachedEntry | null;
  /** Uses of previous secrets, likewise: the last, and those of an app that is asked for. */
  readonly previousSecrets?: ((appId?: string) => readonly PreviousSecretUse[]) | undefined;
  readonly onError: (error: unknown) => void;
}

export interface AgentLink {
  readonly bus: Bus;
  /** To be told of a heartbeat that failed: a socket that went silent is never replaced by itself. */
  readonly heartbeatFailed: (error: unknown) => void;
  /** Subscribes, and starts the agent's heartbeat. */
  start(agent: LinkedAgent): void;
  /** Stops the agent, leaves the registry, closes the connections. */
  readonly stop: () => Promise<void>;
}

/** More than a cluster has. */
const CLUSTER_NODES = 1_000;

/** An agent's two connections to Redis: one for commands, one that is subscribed. */
export function openAgentLink(options: AgentLinkOptions): AgentLink {
  const { library, settings, names, heartbeatMs, onError } = options;
  const timeouts: RedisTimeouts = { connectMs: 1_000, commandMs: heartbeatMs, retriesPerCommand: 0 };
  const commands = openRedis({ library, settings, timeouts, onError });
  const quiet = { ...options, timeouts, onError: () => undefined };
  const witnesses = openWitnesses({ ...quiet, key: names.log, limitMs: heartbeatMs });
  const node = randomUUID();
  const identity = { host: hostname(), pid: process.pid, ...options.identity };
  let linked: LinkedAgent | undefined;
  let subscription: Subscription | undefined;
  const bus = createRedisBus(commands, names, {
    node,
    entry: () => JSON.stringify({ ...identity, ...linked?.status() }),
    limitMs: heartbeatMs,
    witnesses: witnesses.of(commands),
    resubscribe: () => subscription?.renew(),
    onAnonymous: onError,
  });

  function subscribeFor(agent: LinkedAgent): Subscription {
    const onQuestion = createAnswering(commands, names, answerOf(node, identity, agent, options), onError);
    // Each agent begins with another node: those of a cluster share the subscribers.
    const first = settings.kind === "cluster" ? randomInt(CLUSTER_NODES) : 0;
    return subscribe({
      open: (attempt) => openSubscriber({ library, settings, timeouts, onError }, commands, first + attempt),
      channels: [names.live, names.ask],
      checkEveryMs: heartbeatMs,
      // In a cluster any node passes on what the log's has published.
      subscribed: (run) => void agent.subscribed(settings.kind === "cluster" ? undefined : run),
      lost: () => agent.follower.onLost(),
      message: (payload, channel) =>
        channel === names.ask ? onQuestion(payload) : agent.follower.onLive(payload),
      failed: onError,
    });
  }

  return {
    bus,
    heartbeatFailed(error) {
      onError(error);
      // Those who cannot say which server is the primary do not say that this one is none.
      const isUnknown = error instanceof RedisError && error.code === NO_MAJORITY;
      if (commands.status === "ready" && !isUnknown) reconnect(commands);
    },
    start(agent) {
      linked = agent;
      subscription = subscribeFor(agent);
      agent.start();
    },
    async stop() {
      linked?.stop();
      subscription?.close();
      await bus.leave();
      commands.disconnect();
      witnesses.close();
    },
  };
}

/** What this node says when a tool asks. */
function answerOf(
  node: string,
  identity: NodeEntry,
  agent: LinkedAgent,
  { holds, previousSecrets }: Pick<AgentLinkOptions, "holds" | "previousSecrets">,
): (question: Question) => Answer {
  return ({ appId }) => ({
    ...identity,
    ...agent.status(),
    node,
    recent: agent.recent.list(),
    flushes: agent.recentFlushes.list(),
    at: Date.now(),
    server: agent.lastTail?.server,
    holds: appId === undefined ? undefined : holds(appId),
    previousSecrets: previousSecrets?.(appId),
  });
}
