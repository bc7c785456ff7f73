import { readFileSync } from "node:fs";
import type { SockudoConfig } from "../../local/sockudo-node.ts";

const DOCUMENT = new URL("../../docs/sockudo.md", import.meta.url);

/**
 * The configuration that docs/sockudo.md gives, to the letter, but for where this test's Redis is and the prefix that keeps it apart
 * from other tests.
 */
export function documentedConfig(redisUrl: string, prefix: string): SockudoConfig {
  const [, json = ""] = /```json\n([^`]+)```/.exec(readFileSync(DOCUMENT, "utf8")) ?? [];
  const config = JSON.parse(json) as { cache: { driver: string }; database: { redis: object } };
  const { hostname, port } = new URL(redisUrl);
  return {
    ...config,
    cache: { ...config.cache, redis: { prefix } },
    database: { redis: { ...config.database.redis, host: hostname, port: Number(port) } },
  };
}
