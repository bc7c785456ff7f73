import { startRedisCluster } from "../../../local/redis-cluster.ts";
import { startRedisSentinel } from "../../../local/redis-sentinel.ts";
import { redisCli } from "../../../local/redis-cli.ts";
import { type RedisServer, startRedis } from "../../../local/redis-server.ts";
import { startProxy, type TcpProxy } from "../../../local/tcp-proxy.ts";

export type RedisForm = "standalone" | "Sentinel" | "Cluster";

/** The Redis of a run, and what can happen to it. */
export interface ChaosRedis {
  /** Where each node, and the function, finds it. */
  readonly nodeEnv: readonly Readonly<Record<string, string>>[];
  readonly functionEnv: Readonly<Record<string, string>>;
  /** The way of each node, and of the function. Only where they know Redis by one address. */
  readonly nodeLinks: readonly TcpProxy[];
  readonly functionLink: TcpProxy | undefined;
  /** Cuts the connections of all subscribers, as Redis does with one that lags. */
  cutSubscribers(): Promise<void>;
  /** SIGKILL; then an empty one in its place. Standalone only. */
  restartEmpty(downMs: number): Promise<void>;
  freeze(ms: number): Promise<void>;
  /** The master of the log is killed, or frozen for some seconds more than its replacement takes. Sentinel and Cluster only. */
  failover(log: string, by: "SIGKILL" | "SIGSTOP"): Promise<void>;
  /** The master is replaced, and goes on as one with all of its clients. Sentinel only. */
  twoMasters(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export function startChaosRedis(form: RedisForm, nodes: number): Promise<ChaosRedis> {
  return { standalone, Sentinel: sentinel, Cluster: cluster }[form](nodes);
}

function impossible(what: string): never {
  throw new Error(`expected a fault that this form of Redis can have, found ${what}`);
}

async function standalone(nodes: number): Promise<ChaosRedis> {
  let server = await startRedis();
  const target = { host: "127.0.0.1", port: server.port };
  const nodeLinks = await Promise.all(Array.from({ length: nodes }, () => startProxy(target)));
  const functionLink = await startProxy(target);
  const envOf = ({ port }: TcpProxy) => ({ APP_SYNC_REDIS_URL: `redis://127.0.0.1:${port}` });
  return {
    nodeEnv: nodeLinks.map(envOf),
    functionEnv: envOf(functionLink),
    nodeLinks,
    functionLink,
    cutSubscribers: () => cutSubscribers([server.port]),
    async restartEmpty(downMs) {
      server.child.signal("SIGKILL");
      await server.child.exited;
      await sleep(downMs);
      server = await startRedis({ port: server.port });
    },
    async freeze(ms) {
      server.child.signal("SIGSTOP");
      await sleep(ms);
      server.child.signal("SIGCONT");
    },
    failover: () => impossible("a failover of a single server"),
    twoMasters: () => impossible("two masters of a single server"),
    async stop() {
      await Promise.all([...nodeLinks, functionLink].map((link) => link.close()));
      await server.stop();
    },
  };
}

async function sentinel(nodes: number): Promise<ChaosRedis> {
  const setup = await startRedisSentinel();
  const sentinels = setup.sentinels.join(",");
  const env = { APP_SYNC_REDIS_SENTINELS: sentinels, APP_SYNC_REDIS_SENTINEL_NAME: setup.name };
  return {
    ...withoutLinks(env, nodes),
    cutSubscribers: async () => cutSubscribers([(await setup.master()).port]),
    async freeze(ms) {
      const master = await setup.master();
      master.child.signal("SIGSTOP");
      await sleep(ms);
      master.child.signal("SIGCONT");
    },
    async failover(_log, by) {
      wakeLater(await setup.failover(by), by);
    },
    async twoMasters(ms) {
      const { port } = await setup.master();
      // As one whom the sentinels do not reach.
      await redisCli(port, "ACL", "SETUSER", "default", "-slaveof", "-replicaof");
      await setup.replace();
      await sleep(ms);
      await redisCli(port, "ACL", "SETUSER", "default", "+slaveof", "+replicaof");
    },
    stop: () => setup.stop(),
  };
}

async function cluster(nodes: number): Promise<ChaosRedis> {
  const setup = await startRedisCluster();
  const env = { APP_SYNC_REDIS_CLUSTER_NODES: setup.nodes.join(",") };
  return {
    ...withoutLinks(env, nodes),
    cutSubscribers: () => cutSubscribers(setup.nodes.map((node) => Number(node.split(":")[1]))),
    freeze: () => impossible("a freeze: a master that is silent for longer than a second is replaced"),
    async failover(log, by) {
      wakeLater(await setup.failover(log, by), by);
    },
    twoMasters: () => impossible("two masters that are made on purpose: nodes tell each other"),
    stop: () => setup.stop(),
  };
}

function withoutLinks(env: Readonly<Record<string, string>>, nodes: number) {
  return {
    nodeEnv: Array.from({ length: nodes }, () => env),
    functionEnv: env,
    nodeLinks: [],
    functionLink: undefined,
    restartEmpty: () => impossible("a restart of the only server"),
  };
}

async function cutSubscribers(ports: readonly number[]): Promise<void> {
  await Promise.all(ports.map((port) => redisCli(port, "CLIENT", "KILL", "TYPE", "pubsub")));
}

/** It comes back as a master, and must learn that it is none any more. */
function wakeLater({ child }: RedisServer, by: "SIGKILL" | "SIGSTOP"): void {
  if (by === "SIGSTOP") setTimeout(() => child.signal("SIGCONT"), 3_000);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
