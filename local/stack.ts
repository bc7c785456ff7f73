import { fileURLToPath } from "node:url";
import { ConcurrencyLimit } from "../src/async/concurrency-limit.ts";
import { type AppsTable, openAppsTable } from "./apps-table.ts";
import { startDynamoDbLocal } from "./dynamodb-local.ts";
import { soketiNode } from "./node-binary.ts";
import { startOffline } from "./offline.ts";
import { Services } from "./services.ts";
import { startRelay } from "./relay.ts";
import { startRedisLinks, throughLink } from "./redis-links.ts";
import { startRedis } from "./redis-server.ts";
import { provide } from "./provide.ts";
import { JAVA, REDIS } from "./requirements.mjs";
import { StackNode } from "./stack-node.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

/** Everything of a deployment, on this machine: table, stream, function, Redis, and soketi nodes with the agent. */
export interface Stack {
  readonly redisUrl: string;
  readonly dynamodbEndpoint: string;
  readonly table: AppsTable;
  /** May end and be started again, each by itself. */
  readonly nodes: readonly StackNode[];
  /** Where `/health` and `/metrics` of the relay are; undefined with the function. */
  readonly relayUrl: string | undefined;
  /** Resolves with one line when a part ends by itself, but for a node. */
  readonly died: Promise<string>;
  /** Resolves with one line when the first node ends by itself. */
  readonly nodeDied: Promise<string>;
  /** Ends all parts, the last started first. */
  stop(): Promise<void>;
}

export interface StackOptions {
  /** The soketi nodes' ports; 0 takes a free one. */
  readonly ports: readonly number[];
  /** Whether a relay reads the stream, instead of the function under serverless offline. Default false. */
  readonly relay?: boolean | undefined;
  readonly print: (line: string) => void;
  /** What the parts print, line by line. */
  readonly onLine: (part: string, line: string) => void;
  /** A node has ended by itself, or was killed: one line. */
  readonly onNodeEnded?: ((line: string) => void) | undefined;
}

/** Nodes that start at a time: on few processors more of them would be late. */
const CONCURRENCY = 4;

export const agentFile = fileURLToPath(new URL("../dist/agent.cjs", import.meta.url));

/** @throws Error with one line, when a part is missing or does not start; the others are stopped then. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const services = new Services();
  try {
    // Fetched first where it has to be: what comes after it starts within its time limits.
    soketiNode(options.print);
    const redisUrl = await redisAddress(options, services);
    const dynamodbEndpoint = await dynamodbAddress(options, services);
    const table = await openAppsTable(dynamodbEndpoint, "apps");
    const relayUrl = await startReader(options, { redisUrl, dynamodbEndpoint, table: table.name }, services);
    const redisLinks = await startRedisLinks(redisUrl, options.ports.length);
    services.alsoStop(() => Promise.all(redisLinks.map((link) => link.close())));
    const nodeDied = deferred();
    const onNodeEnded = (line: string) => {
      nodeDied.resolve(line);
      options.onNodeEnded?.(line);
    };
    const nodes = await startNodes(
      { ...options, onNodeEnded },
      { redisUrl, redisLinks, dynamodbEndpoint, table: table.name },
      services,
    );
    return {
      redisUrl,
      dynamodbEndpoint,
      table,
      nodes,
      relayUrl,
      died: services.died(),
      nodeDied: nodeDied.promise,
      stop: () => services.stop(),
    };
  } catch (error) {
    await services.stop();
    throw error;
  }
}

/** What reads the stream. */
async function startReader(
  { relay = false, print, onLine }: StackOptions,
  addresses: { readonly redisUrl: string; readonly dynamodbEndpoint: string; readonly table: string },
  services: Services,
): Promise<string | undefined> {
  if (relay) {
    print("Starting the relay ...");
    const options = { ...addresses, onLine: (line: string) => onLine("relay", line) };
    return services.keep(await startRelay(options)).url;
  }
  print("Starting the function under serverless offline ...");
  services.keep(await startOffline({ ...addresses, onLine: (line: string) => onLine("function", line) }));
  return undefined;
}

function deferred(): { readonly promise: Promise<string>; resolve(line: string): void } {
  let resolve: (line: string) => void = () => undefined;
  const promise = new Promise<string>((done) => (resolve = done));
  return { promise, resolve: (line) => resolve(line) };
}

interface NodeAddresses {
  readonly redisUrl: string;
  /** Each node's way to Redis; none when Redis speaks TLS, which takes no way round. */
  readonly redisLinks: readonly TcpProxy[];
  readonly dynamodbEndpoint: string;
  readonly table: string;
}

async function startNodes(
  options: StackOptions,
  addresses: NodeAddresses,
  services: Services,
): Promise<StackNode[]> {
  const { ports, print } = options;
  print(`Starting ${ports.length} soketi nodes with the agent ...`);
  const limit = new ConcurrencyLimit(CONCURRENCY);
  const starting = ports.map((port, i) =>
    limit.run(async () => {
      const node = await startNode(options, addresses, { port, i });
      services.alsoStop(() => node.stop());
      return node;
    }),
  );
  // All of them, also when one fails: those that came up have to be stopped.
  await Promise.allSettled(starting);
  return Promise.all(starting);
}

function startNode(
  { onLine, onNodeEnded }: StackOptions,
  { redisUrl, redisLinks, dynamodbEndpoint, table }: NodeAddresses,
  { port, i }: { readonly port: number; readonly i: number },
): Promise<StackNode> {
  const name = `node ${i + 1}`;
  const redisLink = redisLinks[i];
  return StackNode.start({
    name,
    redisLink,
    onEnded: (how) => onNodeEnded?.(`soketi ${name} ${how}`),
    soketi: {
      name: `soketi ${name}`,
      port: port === 0 ? undefined : port,
      dynamodbEndpoint,
      table,
      redisUrl: throughLink(redisUrl, redisLink),
      agent: agentFile,
      env: { APP_SYNC_DEBUG: "1" },
      onLine: (line) => onLine(name, line),
    },
  });
}

async function redisAddress({ print }: StackOptions, services: Services): Promise<string> {
  const source = provide(REDIS, print);
  if (source.kind === "address") return source.address;
  print("Starting Redis ...");
  return services.keep(await startRedis({ image: source.kind === "docker" ? source.image : undefined })).url;
}

async function dynamodbAddress({ print }: StackOptions, services: Services): Promise<string> {
  const source = provide(JAVA, print);
  if (source.kind === "address") return source.address;
  print("Starting DynamoDB Local ...");
  return services.keep(
    await startDynamoDbLocal({ image: source.kind === "docker" ? source.image : undefined }),
  ).endpoint;
}
