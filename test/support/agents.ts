import { isDeepStrictEqual } from "node:util";
import type { App } from "../../src/app/app.ts";
import { Agent } from "../../src/agent/agent.ts";
import { DEFAULT_CLOSE_CODES } from "../../src/agent/close-causes.ts";
import { createSuspensionClock } from "../../src/agent/suspension-clock.ts";
import { readSettings } from "../../src/library/settings.ts";
import { openAgentLink } from "../../src/redis/agent-link.ts";
import { ioredis } from "../../src/redis/ioredis.ts";

export interface AgentsOptions {
  readonly count: number;
  readonly redisUrl: string;
  readonly prefix: string;
}

/**
 * As many agents on a real Redis as a fleet of some size has, in this process, each under a host of its own: `pod-1`, `pod-2`, …
 * They say that they are soketi, and have no apps and no connections.
 *
 * @returns what ends them, in order.
 */
export function startAgents({ count, redisUrl, prefix }: AgentsOptions): () => Promise<void> {
  const settings = readSettings({ redis: redisUrl, table: "apps", prefix, environment: {} });
  const links = Array.from({ length: count }, (_, i) => {
    const { leaseMs } = settings;
    const identity = {
      host: `pod-${i + 1}`,
      agent: "0.0.0",
      soketi: "1.6.1",
      leaseMs,
      degradedTtlMs: settings.limits.degradedTtlMs,
    };
    const link = openAgentLink({
      ...settings,
      library: ioredis,
      settings: settings.redis,
      identity,
      holds: () => null,
      onError: () => undefined,
    });
    const agent = new Agent<App>({
      ...settings,
      verifyEveryMs: 0,
      bus: link.bus,
      source: { loadById: () => Promise.resolve(undefined), resolveKey: () => Promise.resolve(undefined) },
      connections: { appIds: () => [], has: () => false, of: () => [] },
      isSame: isDeepStrictEqual,
      closeOn: new Set(),
      closeCodes: DEFAULT_CLOSE_CODES,
      clock: createSuspensionClock({ monotonic: () => performance.now(), wall: Date.now }),
      now: Date.now,
      report: {
        dropped: () => undefined,
        flushed: () => undefined,
        leaseChanged: () => undefined,
        heartbeatFailed: link.heartbeatFailed,
        loadFailed: () => undefined,
        connectionsRefreshed: () => undefined,
        staleFound: () => undefined,
      },
    });
    link.start(agent);
    return link;
  });
  return async () => {
    await Promise.all(links.map((link) => link.stop()));
  };
}
