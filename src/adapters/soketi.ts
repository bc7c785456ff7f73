import { normalize, type Problem } from "../app/normalize.ts";
import { toSoketi } from "../app/soketi-shape.ts";
import type { AppCache } from "../agent/app-cache.ts";
import type { AppSource } from "../agent/ports.ts";

/**
 * The parts of soketi 1.6 that the agent touches, as read off the running server. Structural on purpose: nothing of
 * soketi is imported, so that the agent is one file that works beside any build of it.
 */
export interface SoketiServer {
  readonly options: {
    readonly appManager: { readonly driver: string; readonly dynamodb: { readonly table: string } };
    readonly database: { readonly redis: Readonly<Record<string, unknown>> };
    readonly debug: boolean;
  };
  appManager?: SoketiAppManager;
  setAppManager(manager: SoketiAppManager): unknown;
  stop(): Promise<unknown>;
}

export interface SoketiAppManager {
  driver: SoketiDynamoDriver;
  findById(id: string): Promise<SoketiAppObject | null>;
  findByKey(key: string): Promise<SoketiAppObject | null>;
  getAppSecret(id: string): Promise<string | null>;
}

/** soketi's DynamoDB driver; `dynamodb` is a client of the AWS SDK v2. */
interface SoketiDynamoDriver {
  readonly dynamodb: {
    getItem(input: object): { promise(): Promise<{ Item?: object }> };
    query(input: object): { promise(): Promise<{ Items?: { AppId?: { S?: string } }[] }> };
  };
  unmarshallItem(item: object): object;
}

/** An instance of soketi's own App class. */
export interface SoketiAppObject {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

/** soketi's App class. */
export type SoketiAppClass = new (attributes: object, server: SoketiServer) => SoketiAppObject;

/** Told of each item that was read and has problems. They hold no secrets. */
export type ProblemListener = (appId: string, problems: readonly Problem[]) => void;

/** Thrown when this soketi lacks something that the agent needs; soketi is left as it was. */
export class MissingHooksError extends Error {
  override readonly name = "MissingHooksError";

  constructor(missing: readonly string[]) {
    super(`expected soketi to have ${missing.join(", ")}; this version does not, so nothing was attached`);
  }
}

/** @throws MissingHooksError naming all that is missing. Call it before anything is replaced. */
export function checkHooks(manager: SoketiAppManager, appClass: unknown): void {
  const driver = manager.driver as Partial<SoketiDynamoDriver> | undefined;
  const needed: Record<string, unknown> = {
    "appManager.findById": manager.findById,
    "appManager.findByKey": manager.findByKey,
    "appManager.getAppSecret": manager.getAppSecret,
    "appManager.driver.unmarshallItem": driver?.unmarshallItem,
    "appManager.driver.dynamodb.getItem": driver?.dynamodb?.getItem,
    "appManager.driver.dynamodb.query": driver?.dynamodb?.query,
    App: appClass,
  };
  const missing = Object.keys(needed).filter((name) => typeof needed[name] !== "function");
  if (missing.length > 0) throw new MissingHooksError(missing);
}

/**
 * Makes soketi's own reads of the table go through the normalizer. An unusable item throws, which soketi's driver
 * turns into "no such app": without this, an item without a key or a secret would get soketi's public defaults.
 */
export function normalizeReads(manager: SoketiAppManager, onProblems: ProblemListener): void {
  manager.driver.unmarshallItem = (item) => {
    const { app, id, problems } = normalize(item);
    if (problems.length > 0) onProblems(id ?? "(unreadable)", problems);
    if (!app)
      throw new Error(`expected a usable app, found problems: ${problems.map((p) => p.code).join(", ")}`);
    return toSoketi(app);
  };
}

/**
 * Where the agent loads apps from: soketi's own DynamoDB client, but with consistent reads, and with errors told
 * apart from absence.
 */
export function tableSource(
  server: SoketiServer,
  manager: SoketiAppManager,
  appClass: SoketiAppClass,
  onProblems: ProblemListener,
): AppSource<SoketiAppObject> {
  const client = manager.driver.dynamodb;
  const table = server.options.appManager.dynamodb.table;
  return {
    async loadById(id) {
      const input = { TableName: table, Key: { AppId: { S: id } }, ConsistentRead: true };
      const { Item } = await client.getItem(input).promise();
      if (!Item) return undefined;
      const { app, problems } = normalize(Item);
      if (problems.length > 0) onProblems(id, problems);
      return app && new appClass(toSoketi(app), server);
    },
    async resolveKey(key) {
      const { Items } = await client.query(keyQuery(table, key)).promise();
      return Items?.[0]?.AppId?.S;
    },
  };
}

/** The index is eventually consistent whatever one asks for: the answer is a hint, checked against the app itself. */
function keyQuery(table: string, key: string): object {
  return {
    TableName: table,
    IndexName: "AppKeyIndex",
    Limit: 1,
    KeyConditionExpression: "AppKey = :key",
    ExpressionAttributeValues: { ":key": { S: key } },
  };
}

/**
 * Puts the agent's cache in the place of soketi's lookups. soketi has no catch around them, and a rejected promise
 * would end the process: the cache never rejects.
 */
export function takeOverLookups(manager: SoketiAppManager, cache: AppCache<SoketiAppObject>): void {
  manager.findById = (id) => cache.findById(id);
  manager.findByKey = (key) => cache.findByKey(key);
  manager.getAppSecret = async (id) => (await cache.findById(id))?.secret ?? null;
}
