import { randomUUID } from "node:crypto";
import { type AppsTable, openAppsTable } from "../../../local/apps-table.ts";
import { type SoketiNode, startSoketi } from "../../../local/soketi-node.ts";
import { agentFile } from "../../../local/stack.ts";
import { startProxy, type TcpProxy } from "../../../local/tcp-proxy.ts";
import { busNames } from "../../../src/protocol/names.ts";
import { type MappedFunction, startMapping } from "../../support/event-source-mapping.ts";
import { eventually } from "../../support/fleet.ts";
import { createContainer, type FunctionContainer } from "../pipeline/function-container.ts";
import { CHAOS_APPS, firstItem } from "./apps.ts";
import { type ChaosRedis, type RedisForm, startChaosRedis } from "./redis-forms.ts";

/** Everything that a fault can happen to. All of it real. */
export interface ChaosFleet {
  readonly table: AppsTable;
  readonly redis: ChaosRedis;
  /** The log's key in Redis. */
  readonly log: string;
  readonly function: FunctionContainer;
  readonly nodes: readonly ChaosNode[];
  /** Each node's way to DynamoDB. */
  readonly tableLinks: readonly TcpProxy[];
  /** How long the function failed at a stretch, at most: staleness that no node can know of. */
  functionFailingMs(): number;
  stop(): Promise<void>;
}

export interface ChaosNode {
  readonly port: number;
  now(): SoketiNode;
  /** How it ended by itself, and its last words. */
  readonly died: string | undefined;
  /** SIGKILL; then it is started again. */
  restart(downMs: number): Promise<void>;
  pause(ms: number): Promise<void>;
}

export interface ChaosFleetOptions {
  readonly dynamodbEndpoint: string;
  readonly form: RedisForm;
  readonly nodes: number;
  /** Soketi's own memory cache instead of the agent: to show that the probes see what they are for. */
  readonly withoutAgent?: boolean;
}

const MEMORY_CACHE = { SOKETI_APP_MANAGER_CACHE_ENABLED: "true", SOKETI_APP_MANAGER_CACHE_TTL: "-1" };

export async function startChaosFleet(options: ChaosFleetOptions): Promise<ChaosFleet> {
  const { dynamodbEndpoint, form, withoutAgent = false } = options;
  const redis = await startChaosRedis(form, options.nodes);
  const name = `chaos-${randomUUID().slice(0, 8)}`;
  const prefix = `{${name}}`;
  const table = await openAppsTable(dynamodbEndpoint, name);
  for (const app of CHAOS_APPS) await table.put(firstItem(app));
  const container = createContainer({
    ...redis.functionEnv,
    APP_SYNC_PREFIX: prefix,
    APP_MANAGER_DYNAMODB_TABLE: name,
  });
  const watched = watchFailures(container.handler);
  const mapping = startMapping({
    endpoint: dynamodbEndpoint,
    streamArn: table.streamArn,
    handler: watched.handler,
  });
  const target = { host: "127.0.0.1", port: Number(new URL(dynamodbEndpoint).port) };
  const tableLinks = await Promise.all(Array.from({ length: options.nodes }, () => startProxy(target)));
  const nodes = await Promise.all(
    tableLinks.map((link, i) =>
      startChaosNode((port) =>
        startSoketi({
          port,
          dynamodbEndpoint: `http://127.0.0.1:${link.port}`,
          table: name,
          agent: withoutAgent ? "" : agentFile,
          env: { ...redis.nodeEnv[i], APP_SYNC_PREFIX: prefix, ...(withoutAgent ? MEMORY_CACHE : {}) },
        }),
      ),
    ),
  );
  await eventually("the stream to be read", () => Promise.resolve(mapping.delivered >= CHAOS_APPS.length));
  if (!withoutAgent)
    for (const node of nodes)
      await eventually("the nodes to follow", async () => (await node.now().metrics()).lease_held === 1);
  return {
    table,
    redis,
    log: busNames(prefix).log,
    function: container,
    nodes,
    tableLinks,
    functionFailingMs: watched.failingMs,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      await mapping.stop();
      container.stop();
      await Promise.all(tableLinks.map((link) => link.close()));
      await redis.stop();
    },
  };
}

async function startChaosNode(
  start: (port?: number) => Promise<SoketiNode>,
): Promise<ChaosNode & { stop(): Promise<void> }> {
  let node = await start();
  let meant = false;
  let died: string | undefined;
  const { port } = node;
  const watch = ({ child }: SoketiNode) =>
    void child.exited.then((how) => {
      if (!meant) died = `${how}: ${child.output().slice(-2_000)}`;
    });
  watch(node);
  return {
    port,
    get died() {
      return died;
    },
    now: () => node,
    async stop() {
      meant = true;
      await node.stop();
    },
    async restart(downMs) {
      meant = true;
      node.child.signal("SIGKILL");
      await node.child.exited;
      await new Promise((resolve) => setTimeout(resolve, downMs));
      node = await start(port);
      meant = false;
      watch(node);
    },
    async pause(ms) {
      const { child } = node;
      child.signal("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, ms));
      child.signal("SIGCONT");
    },
  };
}

function watchFailures(handler: MappedFunction) {
  let since: number | undefined;
  let longest = 0;
  const mark = (failed: boolean) => {
    if (since !== undefined) longest = Math.max(longest, performance.now() - since);
    since = failed ? (since ?? performance.now()) : undefined;
  };
  const watched: MappedFunction = async (event, context) => {
    try {
      const response = await handler(event, context);
      const { batchItemFailures = [] } = (response ?? {}) as { batchItemFailures?: unknown[] };
      mark(batchItemFailures.length > 0);
      return response;
    } catch (error) {
      mark(true);
      throw error;
    }
  };
  return { handler: watched, failingMs: () => Math.round(longest) };
}
