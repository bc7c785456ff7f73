import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamoDbSource } from "../adapters/dynamodb-source.ts";
import type { CacheLimits } from "../agent/app-cache.ts";
import type { App } from "../app/app.ts";
import type { Problem } from "../app/normalize.ts";
import { type Follower, followerOf, type FollowOptions } from "./follow.ts";
import { readLinkSettings } from "./settings.ts";
import { DEFAULT_LIMITS, startAgent } from "./start-agent.ts";

export interface AppsOptions extends FollowOptions {
  /** Reads the table. Default: one with the SDK's own settings. */
  readonly dynamodb?: DynamoDBClient;
  /** Told of each item that is read and is not as it should be. */
  readonly onProblems?: (appId: string, problems: readonly Problem[]) => void;
  /** As the agent's: docs/agent.md. */
  readonly limits?: Partial<CacheLimits>;
  /** One cached app is compared with the table this often. Milliseconds, 0 for never; default 1000. */
  readonly verifyEveryMs?: number;
}

/** Apps of the table, cached, and never served after a change of theirs has arrived. */
export interface Apps extends Follower {
  /** By `AppId`. Null: there is no such app, or its item cannot be one. Rejects when the table cannot be read. */
  byId(appId: string): Promise<App | null>;
  /** By `AppKey`. */
  byKey(key: string): Promise<App | null>;
}

/**
 * The agent's app cache for other programs. An invalidation drops the app and voids the read of it that is under way; while
 * it is not proven that nothing was missed, nothing older than 5 s is served without a new read. While DynamoDB cannot be
 * read, an app that was merely not verified is served for up to a minute; one that was invalidated never.
 *
 * @throws ConfigError with every mistake.
 */
export function openApps(options: AppsOptions = {}): Apps {
  const settings = readLinkSettings(options);
  const { dynamodb = new DynamoDBClient({}), limits, verifyEveryMs = 1_000 } = options;
  const source = createDynamoDbSource(dynamodb, settings.table, (appId, problems) =>
    options.onProblems?.(appId, problems),
  );
  const { agent, ready, stop } = startAgent(
    settings,
    options,
    source,
    { ...DEFAULT_LIMITS, ...limits },
    verifyEveryMs,
  );
  const { cache } = agent;
  /** The cache says null also when the table could not be read, which soketi cannot tell apart. Here it can be told. */
  const answered = async (lookup: () => Promise<App | null>): Promise<App | null> => {
    const errors = cache.stats.loadErrors;
    const app = await lookup();
    if (app === null && cache.stats.loadErrors > errors) {
      throw new Error(
        `expected to read table ${settings.table}, found that it cannot be read: onError has the reason`,
      );
    }
    return app;
  };
  const follower = followerOf(agent, ready, stop);
  return Object.defineProperties(
    {
      byId: (appId: string) => answered(() => cache.findById(appId)),
      byKey: (key: string) => answered(() => cache.findByKey(key)),
    },
    Object.getOwnPropertyDescriptors(follower),
  ) as Apps;
}
