import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { soketiNode } from "./node-binary.ts";

export interface SoketiNode {
  readonly port: number;
  readonly metricsPort: number;
  readonly url: string;
  readonly child: Child;
  /** The agent's metrics, name -> value; a labelled one under `name{label="value"}`. */
  metrics(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

export interface SoketiNodeOptions {
  readonly name?: string | undefined;
  readonly port?: number | undefined;
  readonly dynamodbEndpoint: string;
  readonly table: string;
  /** Redis for the agent, as `APP_SYNC_REDIS_URL`. */
  readonly redisUrl?: string | undefined;
  /** Path of `dist/agent.cjs`. Without it, or when it is empty, soketi runs as it comes. */
  readonly agent?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** soketi's `bin/server.js`; that of the installed package by default. */
  readonly script?: string | undefined;
  /** Its arguments; `start` by default. */
  readonly args?: readonly string[] | undefined;
  /** The Node binary; one that soketi runs on by default. */
  readonly node?: string | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

/** A real soketi 1.6.1 as a child process, its apps in DynamoDB. */
export async function startSoketi(options: SoketiNodeOptions): Promise<SoketiNode> {
  const port = options.port ?? (await freePort());
  const metricsPort = await freePort();
  const node = options.node ?? soketiNode();
  const child = await startChild({
    name: options.name ?? "soketi",
    command: node,
    args: [options.script ?? soketiScript(), ...(options.args ?? ["start"])],
    env: {
      ...(await environment(options, port, metricsPort)),
      APP_SYNC_REDIS_URL: options.redisUrl,
      // Programs that start soketi, as pm2 does, take the first `node` on it.
      PATH: [dirname(node), process.env.PATH].join(delimiter),
      NODE_OPTIONS: options.agent ? `--require "${options.agent}"` : "",
      ...options.env,
    },
    ready: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(1_000) });
      await response.arrayBuffer();
      return response.status === 200;
    },
    readyWithinMs: 120_000,
    onLine: options.onLine,
  });
  return {
    port,
    metricsPort,
    url: `http://127.0.0.1:${port}`,
    child,
    metrics: () => agentMetrics(metricsPort),
    stop: () => child.stop(),
  };
}

async function environment(
  options: SoketiNodeOptions,
  port: number,
  metricsPort: number,
): Promise<Record<string, string>> {
  return {
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    SOKETI_HOST: "127.0.0.1",
    SOKETI_PORT: String(port),
    SOKETI_METRICS_ENABLED: "true",
    SOKETI_METRICS_HOST: "127.0.0.1",
    SOKETI_METRICS_SERVER_PORT: String(metricsPort),
    // Nodes on one machine must not take each other for a cluster.
    SOKETI_CLUSTER_PORT: String(await freePort()),
    SOKETI_SHUTDOWN_GRACE_PERIOD: "100",
    SOKETI_APP_MANAGER_DRIVER: "dynamodb",
    SOKETI_APP_MANAGER_DYNAMODB_TABLE: options.table,
    SOKETI_APP_MANAGER_DYNAMODB_ENDPOINT: options.dynamodbEndpoint,
  };
}

function soketiScript(): string {
  const manifest = createRequire(import.meta.url).resolve("@soketi/soketi/package.json");
  return join(dirname(manifest), "bin", "server.js");
}

async function agentMetrics(port: number): Promise<Record<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5_000) });
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("soketi_app_sync_"));
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice("soketi_app_sync_".length, space), Number(line.slice(space + 1))];
    }),
  );
}
