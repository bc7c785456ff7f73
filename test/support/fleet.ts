import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { DynamoDBBatchResponse } from "aws-lambda";
import { type AppsTable, type Item, openAppsTable } from "../../local/apps-table.ts";
import { acceptsSecret } from "../../local/probe.ts";
import { connect, RefusedError } from "../../local/pusher-client.ts";
import { type SoketiNode, type SoketiNodeOptions, startSoketi } from "../../local/soketi-node.ts";
import { agentFile } from "../../local/stack.ts";
import { type Mapping, startMapping } from "./event-source-mapping.ts";

export type Handler = (event: unknown, context: unknown) => Promise<DynamoDBBatchResponse>;

/** A built bundle that is deployed, as a container of its own: its configuration is read when it is loaded. */
export async function loadHandler<H = Handler>(env: Record<string, string>, name = "stream"): Promise<H> {
  const bundle = new URL(`../../dist/handlers/${name}.mjs`, import.meta.url).href;
  const before = { ...process.env };
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: "CRITICAL", POWERTOOLS_METRICS_DISABLED: "true" }, env);
  try {
    const { handler } = (await import(/* @vite-ignore */ `${bundle}?${randomUUID()}`)) as {
      handler: H;
    };
    return handler;
  } finally {
    process.env = before;
  }
}

/** How often Lambda looks at a shard that has nothing new. */
const LAMBDAS_POLL_MS = 250;

/** A table, its stream and the function, on the run's DynamoDB Local and some Redis. */
export interface Fleet {
  readonly table: AppsTable;
  /** Names the log of this fleet alone. */
  readonly prefix: string;
  readonly source: Mapping;
  /** Variables that point the command line, or a function, at this fleet. */
  readonly commandEnv: Record<string, string>;
  /** A node with the agent unless told otherwise. */
  node(options?: Partial<SoketiNodeOptions>): Promise<SoketiNode>;
  stop(): Promise<void>;
}

export interface FleetOptions {
  readonly dynamodbEndpoint: string;
  /** For the function, and for the nodes unless they are given another. */
  readonly redisUrl?: string;
  /** Instead: the variables that name a cluster or sentinels, for both. */
  readonly redisEnv?: Readonly<Record<string, string>>;
  /** More variables for the function. */
  readonly functionEnv?: Readonly<Record<string, string>>;
  /** Puts something in front of the function. */
  readonly wrap?: (handler: Handler) => Handler;
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { dynamodbEndpoint, redisUrl, redisEnv, functionEnv, wrap } = options;
  const redis = redisEnv ?? { REDIS_URL: redisUrl ?? "" };
  const name = `apps-${randomUUID().slice(0, 8)}`;
  const prefix = `{test:${name}}`;
  const table = await openAppsTable(dynamodbEndpoint, name);
  const env = { ...redis, APP_SYNC_PREFIX: prefix, APP_MANAGER_DYNAMODB_TABLE: name, ...functionEnv };
  const deployed = await loadHandler(env);
  const handler = wrap?.(deployed) ?? deployed;
  const source = startMapping({
    endpoint: dynamodbEndpoint,
    streamArn: table.streamArn,
    handler,
    // Many fleets share one DynamoDB Local and two processors; what this one writes, it tells.
    pollMs: LAMBDAS_POLL_MS,
  });
  const nodes: SoketiNode[] = [];
  const written = (write: Promise<void>) => write.then(() => source.wake());
  return {
    table: {
      ...table,
      put: (one) => written(table.put(one)),
      update: (appId, attributes) => written(table.update(appId, attributes)),
      delete: (appId) => written(table.delete(appId)),
    },
    prefix,
    source,
    commandEnv: {
      ...redis,
      APP_SYNC_PREFIX: prefix,
      APP_MANAGER_DYNAMODB_TABLE: name,
      APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
    },
    async node(options = {}) {
      const node = await startSoketi({
        dynamodbEndpoint,
        table: name,
        redisUrl,
        agent: agentFile,
        ...options,
        env: { APP_SYNC_PREFIX: prefix, ...redisEnv, ...options.env },
      });
      nodes.push(node);
      return node;
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      await source.stop();
    },
  };
}

/** A usable app item. */
export function item(id: string, attributes: Item = {}): Item {
  return { AppId: { S: id }, AppKey: { S: `${id}-key` }, AppSecret: { S: `${id}-secret` }, ...attributes };
}

/** "connected", or the code that the node refuses with. */
export async function outcomeOfConnecting(node: SoketiNode, key: string): Promise<"connected" | number> {
  try {
    const connection = await connect({ port: node.port, key });
    connection.disconnect();
    return "connected";
  } catch (error) {
    if (error instanceof RefusedError) return error.code;
    throw error;
  }
}

/** Whether a node's HTTP API accepts requests signed with this secret: which app it holds, seen from outside. */
export function accepts(node: SoketiNode, appId: string, secret: string): Promise<boolean> {
  return acceptsSecret({ port: node.port, appId, key: `${appId}-key` }, secret);
}

/** Between two looks: what happens soon is seen at once, and what takes long is not in the way of what others do. */
const FIRST_PAUSE_MS = 10;
const MAX_PAUSE_MS = 100;

/** Waits for a condition that something outside brings about. The time limit is for a test that fails. */
export async function eventually(
  what: string,
  condition: () => Promise<boolean>,
  limitMs = 180_000,
): Promise<void> {
  const until = Date.now() + limitMs;
  for (let ms = FIRST_PAUSE_MS; !(await condition()); ms = Math.min(1.5 * ms, MAX_PAUSE_MS)) {
    if (Date.now() > until)
      throw new Error(`expected ${what} within ${limitMs / 1000} s, found it did not happen`);
    await pause(ms);
  }
}

/** For nodes whose verifier would find, and hide, that no message arrives. */
export const WITHOUT_VERIFIER = { APP_SYNC_VERIFY_EVERY_MS: "0" };

export const root = fileURLToPath(new URL("../..", import.meta.url));
