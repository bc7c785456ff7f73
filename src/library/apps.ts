import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamoDbSource } from "../aws/app-source.ts";
import type { App } from "../app/app.ts";
import type { Problem } from "../app/normalize.ts";
import { isHashKey } from "../protocol/message.ts";
import { TableError } from "./errors.ts";
import { guardListeners, listenerMistakes } from "./events.ts";
import { type Follower, followerOf, type FollowOptions } from "./follow.ts";
import { type CacheOptions, readSettings } from "./settings.ts";
import { startAgent } from "./start-agent.ts";

export interface AppsOptions extends FollowOptions, CacheOptions {
  /** Reads the table; its retries and time-outs count within `limits.loadBudgetMs`. Default: one with the SDK's own settings. */
  readonly dynamodb?: DynamoDBClient;
  /** Called for each item that has problems. */
  readonly onProblems?: (appId: string, problems: readonly Problem[]) => void;
}

/** Apps of the table, cached, and never served after a change of theirs has arrived. */
export interface Apps extends Follower {
  /**
   * By `AppId`. Null: there is no such app, or its item cannot be one.
   *
   * @throws TableError when the table cannot be read, and nothing is held that may be served meanwhile.
   */
  byId(appId: string): Promise<App | null>;
  /** By `AppKey`, as `byId`. */
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
  const settings = readSettings(options, listenerMistakes(options));
  const { table, limits } = settings;
  const { dynamodb, onProblems } = options;
  const client = dynamodb ?? new DynamoDBClient({});
  const listeners = guardListeners(options);
  const source = createDynamoDbSource({
    client,
    table,
    budgetMs: limits.loadBudgetMs,
    onProblems: (appId, problems) => listeners.notify(onProblems, appId, problems),
  });
  const started = startAgent(settings, options, listeners, source);
  const { cache } = started.agent;

  /** The cache says null also when the table could not be read, which soketi cannot tell apart. Here it can be told. */
  async function answered(
    what: string,
    name: string,
    look: (onUnreadable: (error: unknown) => void) => Promise<App | null>,
  ): Promise<App | null> {
    // Strangers choose keys: DynamoDB refuses such a read, which is no failure of the table.
    if (!isHashKey(name)) return null;
    let failure: TableError | undefined;
    const app = await look((error) => (failure = new TableError(`${what} ${name}`, table, error)));
    if (app === null && failure) throw failure;
    return app;
  }

  async function close(): Promise<void> {
    await started.close();
    // What was given is the caller's to end.
    if (!dynamodb) client.destroy();
  }

  return Object.assign(followerOf({ ...started, close }), {
    byId: (appId: string) => answered("app", appId, (failed) => cache.findById(appId, failed)),
    byKey: (key: string) => answered("key", key, (failed) => cache.findByKey(key, failed)),
  });
}
