import { fileURLToPath } from "node:url";
import { type SoketiNode, startSoketi } from "../../local/soketi-node.ts";
import { agentFile } from "../../local/stack.ts";
import { startProxy } from "../../local/tcp-proxy.ts";

/** One way for a soketi node to keep its apps. */
export interface Contender {
  readonly name: string;
  /** A file that is loaded into soketi; none when empty. */
  readonly preload: string;
  readonly env: Readonly<Record<string, string>>;
}

const memoryCache = (seconds: number): Contender => ({
  name: `soketi's cache, TTL ${seconds} s`,
  preload: "",
  env: { SOKETI_APP_MANAGER_CACHE_ENABLED: "true", SOKETI_APP_MANAGER_CACHE_TTL: String(seconds) },
});

export const CONTENDERS: readonly Contender[] = [
  { name: "no cache", preload: "", env: {} },
  memoryCache(1),
  memoryCache(10),
  memoryCache(60),
  {
    name: "BentoCache and its bus",
    preload: fileURLToPath(new URL("bentocache.cjs", import.meta.url)),
    env: {},
  },
  { name: "soketi-app-sync", preload: agentFile, env: {} },
];

export interface Running {
  readonly contender: Contender;
  readonly node: SoketiNode;
  /** Requests to DynamoDB since the start. */
  reads(): number;
  stop(): Promise<void>;
}

export interface Shared {
  readonly dynamodbPort: number;
  readonly table: string;
  readonly redisUrl: string;
  readonly prefix: string;
}

/** Each behind a proxy of its own that counts what it asks the table. */
export async function startContender(contender: Contender, shared: Shared): Promise<Running> {
  let reads = 0;
  const proxy = await startProxy({ host: "127.0.0.1", port: shared.dynamodbPort }, (chunk) => {
    reads += chunk.match(/x-amz-target: DynamoDB_\d+\.(GetItem|Query)/gi)?.length ?? 0;
  });
  const node = await startSoketi({
    dynamodbEndpoint: `http://127.0.0.1:${proxy.port}`,
    table: shared.table,
    agent: contender.preload,
    redisUrl: shared.redisUrl,
    env: { ...contender.env, APP_SYNC_PREFIX: shared.prefix, BENCH_REDIS_URL: shared.redisUrl },
  });
  return {
    contender,
    node,
    reads: () => reads,
    async stop() {
      await node.stop();
      await proxy.close();
    },
  };
}
