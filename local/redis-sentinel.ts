import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { redisCli, untilTrue } from "./redis-cli.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

/** One master, two replicas, and three sentinels that watch over them. */
export interface RedisSentinel {
  /** The name that the sentinels know the master by. */
  readonly name: string;
  /** host:port of each sentinel. */
  readonly sentinels: readonly string[];
  /** Their processes, in the same order. */
  readonly watchers: readonly Child[];
  /** Who is master, as the sentinels say. */
  master(): Promise<RedisServer>;
  /**
   * Kills the master, or freezes it with SIGSTOP, and waits until the sentinels have made another one.
   *
   * @returns the former master; a frozen one wakes by SIGCONT.
   */
  failover(by?: "SIGKILL" | "SIGSTOP"): Promise<RedisServer>;
  /** As `failover`, of a master that is well, as an operator asks for it. */
  replace(): Promise<RedisServer>;
  stop(): Promise<void>;
}

const NAME = "app-sync";
const SENTINELS = 3;
const REPLICAS = 2;

/** Without it a replica waits five seconds for others before its first copy. */
const REPLICATION = ["--repl-diskless-sync-delay", "0"];

/** It cannot be told to become a replica: the sentinels fail to, and there are two masters. */
const STUBBORN = ["SLAVEOF", "REPLICAOF"].flatMap((name) => ["--rename-command", name, `NOT-${name}`]);

export interface RedisSentinelOptions {
  /** The first master stays one when it is replaced, with its clients. */
  readonly stubborn?: boolean;
  /** How many sentinels; two of them agree on a failover. Default 3. */
  readonly count?: number;
}

export async function startRedisSentinel({
  stubborn = false,
  count = SENTINELS,
}: RedisSentinelOptions = {}): Promise<RedisSentinel> {
  const folder = await mkdtemp(join(tmpdir(), "soketi-app-sync-sentinel-"));
  const first = await startRedis({ args: stubborn ? [...REPLICATION, ...STUBBORN] : REPLICATION });
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, () =>
      startRedis({ args: [...REPLICATION, "--replicaof", "127.0.0.1", `${first.port}`] }),
    ),
  );
  const servers = [first, ...replicas];
  const watchers = await Promise.all(Array.from({ length: count }, () => startSentinel(folder, first.port)));
  const ports = watchers.map(({ port }) => port);
  await Promise.all(
    ports.map((port) => untilTrue(`sentinel ${port} to know the others`, () => knowsAll(port, count))),
  );

  async function master(): Promise<RedisServer> {
    const port = await masterPort(ports[0] ?? 0);
    const server = servers.find((one) => one.port === port);
    if (!server) throw new Error(`expected the master to be one of ours, found port ${port}`);
    return server;
  }

  async function replaced(act: (former: RedisServer) => unknown): Promise<RedisServer> {
    const former = await master();
    await act(former);
    await untilTrue("the sentinels to agree on another master", async () => {
      const said = await Promise.all(ports.map(masterPort));
      const [now = former.port] = said;
      return now !== former.port && said.every((port) => port === now) && (await isMaster(now));
    });
    return former;
  }

  return {
    name: NAME,
    sentinels: ports.map((port) => `127.0.0.1:${port}`),
    watchers: watchers.map(({ child }) => child),
    master,
    failover: (by = "SIGKILL") => replaced(({ child }) => child.signal(by)),
    replace: () => replaced(() => redisCli(ports[0] ?? 0, "SENTINEL", "FAILOVER", NAME)),
    async stop() {
      await Promise.all(watchers.map(({ child }) => child.stop()));
      await Promise.all(servers.map((server) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startSentinel(folder: string, master: number): Promise<{ port: number; child: Child }> {
  const port = await freePort();
  const file = join(folder, `sentinel-${port}.conf`);
  // A sentinel keeps what it learns in its configuration, and wants a file of its own for that.
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${master} 2`,
    `sentinel down-after-milliseconds ${NAME} 800`,
    `sentinel failover-timeout ${NAME} 3000`,
    `sentinel parallel-syncs ${NAME} ${REPLICAS}`,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  const child = await startChild({
    name: `sentinel ${port}`,
    command: "redis-server",
    args: [file, "--sentinel"],
    ready: async () => (await redisCli(port, "PING")).startsWith("PONG"),
    readyWithinMs: 60_000,
  });
  return { port, child };
}

async function knowsAll(sentinel: number, count: number): Promise<boolean> {
  const state = (await redisCli(sentinel, "INFO", "sentinel")).trim();
  return state.includes(`status=ok`) && state.endsWith(`slaves=${REPLICAS},sentinels=${count}`);
}

async function masterPort(sentinel: number): Promise<number> {
  const [, port] = (await redisCli(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)).split("\n");
  return Number(port);
}

async function isMaster(port: number): Promise<boolean> {
  return (await redisCli(port, "ROLE")).startsWith("master");
}
