import { setTimeout as pause } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import { redisCli } from "../../../local/redis-cli.ts";
import { startRedisCluster } from "../../../local/redis-cluster.ts";
import { startRedisSentinel } from "../../../local/redis-sentinel.ts";
import { startRedis } from "../../../local/redis-server.ts";
import { startProxy, type TcpProxy } from "../../../local/tcp-proxy.ts";
import type { MappedFunction, MappingOptions } from "../../support/event-source-mapping.ts";
import { createContainer, type FunctionContainer } from "./function-container.ts";
import type { Fault, FaultParts } from "./run-fault.ts";

/** A Redis behind a proxy, which is what the function sees. */
interface Setting {
  readonly port: number;
  readonly proxy: TcpProxy;
  readonly redis: Redis;
}

function behindProxy(
  name: string,
  happen: (setting: Setting) => Promise<void>,
  more: { mapping?: Partial<MappingOptions>; handler?: FaultParts["handler"] } = {},
): Fault {
  return {
    name,
    async prepare() {
      const server = await startRedis();
      const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
      const redis = new Redis(server.url);
      return {
        env: { REDIS_URL: `redis://127.0.0.1:${proxy.port}` },
        redis,
        ...more,
        happen: () => happen({ port: server.port, proxy, redis }),
        async stop() {
          redis.disconnect();
          await proxy.close();
          await server.stop();
        },
      };
    },
  };
}

function away(ms: number) {
  return async ({ proxy }: Setting) => {
    proxy.refuse(true);
    proxy.disconnect();
    await pause(ms);
    proxy.refuse(false);
  };
}

/** In a container of its own, on which signals can be tried. */
function inContainer(
  name: string,
  happen: (container: FunctionContainer, setting: Setting) => Promise<void>,
  mapping: Partial<MappingOptions> = {},
): Fault {
  return {
    name,
    async prepare() {
      let container: FunctionContainer | undefined;
      const fault = behindProxy(
        name,
        (setting) => (container ? happen(container, setting) : Promise.resolve()),
        {
          mapping,
          handler: (env) => {
            container = createContainer(env);
            return (event, context) => (container as FunctionContainer).handler(event, context);
          },
        },
      );
      const parts = await fault.prepare();
      return {
        ...parts,
        async stop() {
          container?.stop();
          await parts.stop();
        },
      };
    },
  };
}

/** Throws for one app's changes, a few times, whatever else is in the batch. */
function poisoned(built: MappedFunction): MappedFunction {
  return (event, context) => {
    if (event.Records.some(({ dynamodb }) => JSON.stringify(dynamodb.Keys).includes('"app-3"')))
      throw new Error("poison");
    return built(event, context);
  };
}

/** Quick ones: they need no cluster, and none is longer than a few seconds. */
export const FAULTS: readonly Fault[] = [
  behindProxy("none", () => Promise.resolve()),
  behindProxy("Redis away for 2 s", away(2_000)),
  behindProxy("Redis away for longer than the record age", away(4_000), {
    mapping: { maximumRecordAgeMs: 1_000 },
  }),
  behindProxy("Redis away, retries used up", away(3_000), {
    mapping: { maximumRetryAttempts: 1, bisectBatchOnFunctionError: false },
  }),
  behindProxy("Redis read-only for 2 s (demoted)", async ({ port }) => {
    // Without a replica it refuses all writes, as a demoted master does.
    await redisCli(port, "CONFIG", "SET", "min-replicas-to-write", "1");
    await pause(2_000);
    await redisCli(port, "CONFIG", "SET", "min-replicas-to-write", "0");
  }),
  behindProxy("Redis out of memory for 2 s", async ({ port }) => {
    await redisCli(port, "CONFIG", "SET", "maxmemory", "1");
    await pause(2_000);
    await redisCli(port, "CONFIG", "SET", "maxmemory", "0");
  }),
  behindProxy("script cache lost repeatedly", async ({ port }) => {
    for (let i = 0; i < 20; i += 1) {
      await redisCli(port, "SCRIPT", "FLUSH");
      await pause(50);
    }
  }),
  behindProxy(
    "Redis silent until near the function's timeout",
    async ({ proxy }) => {
      proxy.freeze();
      await pause(3_000);
      proxy.thaw();
    },
    { mapping: { functionTimeoutMs: 1_200 } },
  ),
  behindProxy("disconnected repeatedly", async ({ proxy }) => {
    for (let i = 0; i < 20; i += 1) {
      proxy.disconnect();
      await pause(50);
    }
  }),
  inContainer("function killed in the middle of batches", async (container) => {
    for (let i = 0; i < 8; i += 1) {
      container.signal("SIGKILL");
      await pause(250);
    }
  }),
  inContainer(
    "dead socket after a thaw",
    async (container, { proxy }) => {
      container.signal("SIGSTOP");
      // Its connections die while it sleeps, and nobody tells it.
      proxy.freeze();
      await pause(1_000);
      proxy.thaw();
      container.signal("SIGCONT");
    },
    { functionTimeoutMs: 5_000 },
  ),
  inContainer(
    "function frozen past its deadline",
    async (container) => {
      for (let i = 0; i < 3; i += 1) {
        container.signal("SIGSTOP");
        await pause(1_500);
        container.signal("SIGCONT");
        await pause(100);
      }
    },
    { functionTimeoutMs: 1_200 },
  ),
  behindProxy(
    "login takes longer than the function's timeout",
    async ({ proxy }) => {
      proxy.slow(() => 900);
      proxy.disconnect();
      await pause(3_000);
      proxy.slow(() => 0);
    },
    { mapping: { functionTimeoutMs: 1_200 } },
  ),
  behindProxy("a record that the function throws on", () => Promise.resolve(), {
    mapping: { maximumRetryAttempts: 1 },
    handler: (_env, built) => poisoned(built),
  }),
  behindProxy("every batch delivered twice", () => Promise.resolve(), { mapping: { again: () => true } }),
];

/** Those that take their time. */
export const SLOW_FAULTS: readonly Fault[] = [
  behindProxy("Redis away for 20 s (a minute of age stands for an hour)", away(20_000), {
    mapping: { maximumRecordAgeMs: 60_000 },
  }),
  {
    name: "Sentinel: primary killed",
    async prepare() {
      const setup = await startRedisSentinel();
      const { name, sentinels } = setup;
      const hosts = sentinels.map(hostAndPort);
      const redis = observer(new Redis({ sentinels: hosts, name }));
      return {
        env: { REDIS_SENTINELS: sentinels.join(","), REDIS_SENTINEL_NAME: name },
        redis,
        async happen() {
          await setup.failover();
        },
        async stop() {
          redis.disconnect();
          await setup.stop();
        },
      };
    },
  },
  {
    name: "Cluster: primary killed",
    async prepare() {
      const setup = await startRedisCluster();
      const { nodes } = setup;
      const redis = observer(new Cluster(nodes.map(hostAndPort)));
      return {
        env: { REDIS_CLUSTER_NODES: nodes.join(",") },
        redis,
        async happen(log) {
          await setup.failover(log);
        },
        async stop() {
          redis.disconnect();
          await setup.stop();
        },
      };
    },
  },
];

/** That its connection breaks in a failover is no news; the log is read when all is over. */
function observer<T extends Redis | Cluster>(redis: T): T {
  redis.on("error", () => undefined);
  return redis;
}

function hostAndPort(text: string): { host: string; port: number } {
  const [host = "", port = ""] = text.split(":");
  return { host, port: Number(port) };
}
