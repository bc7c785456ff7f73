import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { inject } from "vitest";
import { acceptsSecret } from "../../local/probe.ts";
import { connect, RefusedError } from "../../local/pusher-client.ts";
import { type SockudoConfig, type SockudoNode, startSockudo } from "../../local/sockudo-node.ts";
import type { SweepOutcome } from "../../src/pipeline/ports.ts";
import { type Fleet, loadHandler, startFleet } from "../support/fleet.ts";
import { documentedConfig } from "./documented-config.ts";

/** soketi's table, the function with sockudo's format, and nodes of sockudo that know nothing but Redis. */
export interface SockudoFleet {
  readonly fleet: Fleet;
  /** Of its entries. */
  readonly prefix: string;
  readonly redis: Redis;
  readonly node: (config?: SockudoConfig) => Promise<SockudoNode>;
  readonly sweep: () => Promise<SweepOutcome>;
  /** For the command line. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

interface SockudoFleetOptions {
  readonly redisUrl?: string;
  /** Instead: the variables that name sentinels, and the nodes' `database.redis` for the same. */
  readonly sentinels?: { readonly env: Readonly<Record<string, string>>; readonly database: object };
  /** More variables for the function. */
  readonly functionEnv?: Readonly<Record<string, string>>;
}

export async function startSockudoFleet({
  redisUrl = inject("redisUrl"),
  sentinels,
  functionEnv = {},
}: SockudoFleetOptions = {}): Promise<SockudoFleet> {
  const prefix = `sockudo-${randomUUID().slice(0, 8)}`;
  const dynamodbEndpoint = inject("dynamodbEndpoint");
  const cacheEnv = {
    SHARED_CACHE: "refresh",
    SHARED_CACHE_FORMAT: "sockudo",
    SOCKUDO_CACHE_PREFIX: prefix,
    ...functionEnv,
  };
  const redisEnv = sentinels?.env ?? { REDIS_URL: redisUrl };
  const fleet = await startFleet({ dynamodbEndpoint, redisEnv, functionEnv: cacheEnv });
  const redis = new Redis(redisUrl);
  const nodes: SockudoNode[] = [];
  const env = {
    ...redisEnv,
    ...cacheEnv,
    APP_MANAGER_DYNAMODB_TABLE: fleet.table.name,
    APP_MANAGER_DYNAMODB_ENDPOINT: dynamodbEndpoint,
    AWS_REGION: "us-east-1",
  };
  return {
    env,
    fleet,
    prefix,
    redis,
    async node(config = {}) {
      const node = await startSockudo({
        ...documentedConfig(redisUrl, prefix),
        ...(sentinels ? { database: { redis: sentinels.database } } : {}),
        ...config,
      });
      nodes.push(node);
      return node;
    },
    async sweep() {
      const handler = await loadHandler<(event: unknown, context: unknown) => Promise<SweepOutcome>>(
        env,
        "sweep",
      );
      return handler({}, { getRemainingTimeInMillis: () => 300_000 });
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      await fleet.stop();
      redis.disconnect();
    },
  };
}

/** sockudo 5.2.0 closes what it refuses without a code, whatever its reason: clients come back. */
const REFUSED = 1006;

export type Outcome = "connected" | "refused";

/** What becomes of a client that connects with a key. */
export async function outcomeAt({ port }: SockudoNode, key: string): Promise<Outcome> {
  try {
    const connection = await connect({ port, key });
    connection.disconnect();
    return "connected";
  } catch (error) {
    if (error instanceof RefusedError && error.code === REFUSED) return "refused";
    throw error;
  }
}

/** What the node knows of an app: 200 enabled, 503 disabled, 404 none. */
export async function statusAt({ url }: SockudoNode, appId: string): Promise<number> {
  return (await fetch(`${url}/up/${appId}`)).status;
}

/** Whether the node's HTTP API takes this secret for the app. */
export function takes(
  { port }: SockudoNode,
  appId: string,
  secret: string,
  key = `${appId}-key`,
): Promise<boolean> {
  return acceptsSecret({ port, appId, key }, secret);
}
