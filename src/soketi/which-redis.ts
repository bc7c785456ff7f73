import { describeRedis } from "../config/describe-redis.ts";
import type { AgentConfig } from "../config/agent.ts";
import type { RedisSettings } from "../config/redis.ts";
import { OWN_PREFIX } from "../config/redis.ts";
import { ownRedis } from "./own-redis.ts";
import type { SoketiServer } from "./server.ts";

/** Which Redis the agent follows. */
export interface WhichRedis {
  readonly settings: RedisSettings;
  /** Addresses and database, and what they were read from; no login. */
  readonly description: string;
  /**
   * Whether it may be another program's: it is named by a variable that other programs have too, or by soketi's defaults,
   * and is not the one that soketi itself uses.
   */
  readonly isDoubtful: boolean;
  /** What an operator set and what is of no effect, by name. One sentence each. */
  readonly warnings: readonly string[];
}

/** Where soketi looks for Redis when nobody says where it is. */
const BY_DEFAULT = "127.0.0.1:6379/0";

/** Redis as the variables name it, or soketi's own. */
export function whichRedis(
  { redis, ignoredVariables }: Pick<AgentConfig, "redis" | "ignoredVariables">,
  options: SoketiServer["options"],
): WhichRedis {
  const own = ownRedis(options);
  const settings = redis?.settings ?? own.settings;
  const source = redis?.from ?? "soketi's own settings";
  const described = describeRedis(settings);
  const isTheOne = own.others.length === 0 && (described !== BY_DEFAULT || own.isUsed);
  const warnings: string[] = [];
  if (ignoredVariables.length > 0) {
    warnings.push(`${ignoredVariables.join(", ")}: ignored, because Redis is taken from ${source}.`);
  }
  if (!redis && own.notCarried.length > 0) {
    warnings.push(
      `soketi's Redis settings have ${own.notCarried.join(", ")}, which the agent's own connection does not use.`,
    );
  }
  if (!redis && own.others.length > 0) {
    warnings.push(
      `soketi uses another Redis, or another login, by its ${own.others.join(", ")}. If the pipeline's Redis is not ` +
        `${described}, set ${OWN_PREFIX}REDIS_URL to it.`,
    );
  }
  return {
    settings,
    description: `${described} (${source})`,
    isDoubtful: !redis?.from.startsWith(OWN_PREFIX) && !(isTheOne && isSame(settings, own.settings)),
    warnings,
  };
}

function isSame(left: RedisSettings, right: RedisSettings): boolean {
  return placeOf(left) === placeOf(right);
}

/** All that says where it is, also what nobody is shown. */
function placeOf(settings: RedisSettings): string {
  const { tls } = settings;
  const listOf = (list: readonly { host: string; port: number }[]) =>
    list.map(({ host, port }) => [host, port]);
  switch (settings.kind) {
    case "standalone":
      return JSON.stringify([settings.path ?? [settings.host, settings.port], settings.db, tls]);
    case "sentinel":
      return JSON.stringify([listOf(settings.sentinels), settings.name, settings.db, tls]);
    case "cluster":
      return JSON.stringify([listOf(settings.nodes), tls]);
  }
}
