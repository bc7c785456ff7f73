import { fileURLToPath } from "node:url";
import type { AppsTable } from "./apps-table.ts";
import { openAppsTable } from "./apps-table.ts";
import type { Child } from "./child.ts";
import { startDynamoDbLocal } from "./dynamodb-local.ts";
import { startOffline } from "./offline.ts";
import { startRedis } from "./redis-server.ts";
import { JAVA, provide, REDIS } from "./requirements.ts";
import { type SoketiNode, startSoketi } from "./soketi-node.ts";
import { startProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Everything of a deployment, on this machine: table, stream, function, Redis, and soketi nodes with the agent. */
export interface Stack {
  readonly redisUrl: string;
  readonly dynamodbEndpoint: string;
  readonly table: AppsTable;
  readonly nodes: readonly SoketiNode[];
  /** Each node's way to Redis; none when Redis speaks TLS, which takes no way round. */
  readonly redisLinks: readonly TcpProxy[];
  /** Resolves with one line when a part ends by itself. */
  readonly died: Promise<string>;
  /** Ends all parts, the last started first. */
  stop(): Promise<void>;
}

export interface StackOptions {
  /** The soketi nodes' ports; 0 takes a free one. */
  readonly ports: readonly number[];
  readonly say: (line: string) => void;
  /** What the parts print, line by line. */
  readonly onLine: (part: string, line: string) => void;
}

export const agentFile = fileURLToPath(new URL("../dist/agent.cjs", import.meta.url));

/** @throws Error with one line, when a part is missing or does not start; the others are stopped then. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stops: (() => Promise<void>)[] = [];
  const children: Child[] = [];
  const stop = async () => {
    for (const stopOne of stops.splice(0).reverse()) await stopOne();
  };
  const keep = <T extends { readonly child: Child; stop(): Promise<void> }>(part: T): T => {
    stops.push(() => part.stop());
    children.push(part.child);
    return part;
  };
  try {
    const redisUrl = await redisAddress(options, keep);
    const dynamodbEndpoint = await dynamodbAddress(options, keep);
    const table = await openAppsTable(dynamodbEndpoint, "apps");
    options.say("Starting the function under serverless offline ...");
    const onLine = (line: string) => options.onLine("function", line);
    keep(await startOffline({ redisUrl, dynamodbEndpoint, table: table.name, onLine }));
    const redisLinks = await linksTo(redisUrl, options.ports.length);
    stops.push(async () => {
      await Promise.all(redisLinks.map((link) => link.close()));
    });
    options.say(`Starting ${options.ports.length} soketi nodes with the agent ...`);
    const starting = options.ports.map(async (port, i) => {
      const name = `node ${i + 1}`;
      const node = await startSoketi({
        name: `soketi ${name}`,
        ...(port === 0 ? {} : { port }),
        dynamodbEndpoint,
        table: table.name,
        redisUrl: throughLink(redisUrl, redisLinks[i]),
        agent: agentFile,
        env: { APP_SYNC_DEBUG: "1" },
        onLine: (line) => options.onLine(name, line),
      });
      return keep(node);
    });
    // All of them, also when one fails: those that came up have to be stopped.
    await Promise.allSettled(starting);
    const nodes = await Promise.all(starting);
    let stopping = false;
    const died = Promise.race(children.map(async (child) => `${child.name} ${await child.exited}`)).then(
      (line) =>
        // Stopped by us, it did not die: this promise then stays open for ever.
        stopping ? new Promise<string>(() => undefined) : line,
    );
    return {
      redisUrl,
      dynamodbEndpoint,
      table,
      nodes,
      redisLinks,
      died,
      stop() {
        stopping = true;
        return stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function linksTo(redisUrl: string, count: number): Promise<TcpProxy[]> {
  const { protocol, hostname, port } = new URL(redisUrl);
  const links = protocol === "redis:" ? count : 0;
  const target = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
  return Promise.all(Array.from({ length: links }, () => startProxy(target)));
}

function throughLink(redisUrl: string, link: TcpProxy | undefined): string {
  if (!link) return redisUrl;
  const url = new URL(redisUrl);
  url.hostname = "127.0.0.1";
  url.port = String(link.port);
  return url.href;
}

type Keep = <T extends { readonly child: Child; stop(): Promise<void> }>(part: T) => T;

async function redisAddress({ say }: StackOptions, keep: Keep): Promise<string> {
  const source = provide(REDIS, say);
  if (source.kind === "address") return source.address;
  say("Starting Redis ...");
  return keep(await startRedis(source.kind === "docker" ? { image: source.image } : {})).url;
}

async function dynamodbAddress({ say }: StackOptions, keep: Keep): Promise<string> {
  const source = provide(JAVA, say);
  if (source.kind === "address") return source.address;
  say("Starting DynamoDB Local ...");
  return keep(await startDynamoDbLocal(source.kind === "docker" ? { image: source.image } : {})).endpoint;
}
